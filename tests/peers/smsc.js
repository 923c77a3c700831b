// An SMS centre for tests, on the npm package smpp. `node smsc.js '{"password": "secret", …}'` listens on a free port of
// loopback, says so on the first line of stdout, and then tells each event in one line of JSON. A line of JSON on stdin
// is a control: {"deliver": {…}} sends a deliver_sm, by each session or by the `bind`th, {"set": {…}} changes options,
// {"end": true} closes the sessions.
'use strict'
const fs = require('fs')
const readline = require('readline')
const smpp = require('smpp')

// password: else any; silent: answers nothing but the bind; receipts: the state that each message ends in, of which
// a receipt comes after `arrives` milliseconds (at once);
// throttle: how many messages are refused with status `throttled` first; refuse: address -> status;
// hesitation: milliseconds from taking a message over until that is answered; quiet: tells no events; tls: {key, cert, ca} are files, with a ca a client certificate is asked for.
let options = { throttle: 0, throttled: 0x58, refuse: {}, ...JSON.parse(process.argv[2] || '{}') }
const sessions = new Set()
let ids = 0

const tell = (event) => options.quiet || process.stdout.write(JSON.stringify(event) + '\n')
const hex = (value) => Buffer.isBuffer(value) ? value.toString('hex') : value

function receipt(session, pdu, id) {
  const [state, stat] = { DELIVRD: [2, 'DELIVRD'], EXPIRED: [3, 'EXPIRED'], UNDELIV: [5, 'UNDELIV'] }[options.receipts]
  if (!(pdu.registered_delivery === 1 || (pdu.registered_delivery === 2 && state !== 2))) return
  session.deliver_sm({
    esm_class: 4,
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2603010400 done date:2603010400 stat:${stat} err:000 text:`,
    receipted_message_id: id,
    message_state: state
  }, (answer) => tell({ answered: answer.command_status, id }))
}

function submitted(session, pdu) {
  if (options.silent) return tell({ unanswered: pdu.destination_addr })
  if (options.throttle > 0) {
    options.throttle--
    return session.send(pdu.response({ command_status: options.throttled }))
  }
  const status = options.refuse[pdu.destination_addr] || 0
  const id = status ? undefined : (++ids).toString(16)
  const { source_addr, destination_addr, esm_class, data_coding, registered_delivery, validity_period } = pdu
  tell({
    submit: {
      id, source_addr, destination_addr, esm_class, data_coding, registered_delivery, validity_period,
      text: pdu.short_message.message.toString(), udh: (pdu.short_message.udh || []).map(hex)
    }
  })
  const answer = () => {
    session.send(status ? pdu.response({ command_status: status }) : pdu.response({ message_id: id }))
    if (status || !options.receipts) return
    options.arrives ? setTimeout(() => receipt(session, pdu, id), options.arrives) : receipt(session, pdu, id)
  }
  options.hesitation ? setTimeout(answer, options.hesitation) : answer()
}

const tls = options.tls && {
  key: fs.readFileSync(options.tls.key),
  cert: fs.readFileSync(options.tls.cert),
  ...(options.tls.ca && { ca: fs.readFileSync(options.tls.ca), requestCert: true, rejectUnauthorized: true })
}
const server = smpp.createServer(tls || {}, (session) => {
  sessions.add(session)
  session.on('close', () => sessions.delete(session))
  session.on('error', () => session.destroy())
  session.on('bind_transceiver', (pdu) => {
    const welcome = options.password === undefined || pdu.password === options.password
    tell({ bind: pdu.system_id, welcome })
    session.send(pdu.response(welcome ? { system_id: 'smsc' } : { command_status: smpp.ESME_RINVPASWD }))
  })
  session.on('submit_sm', (pdu) => submitted(session, pdu))
  session.on('enquire_link', (pdu) => {
    tell({ enquire: true })
    if (!options.silent) session.send(pdu.response())
  })
  session.on('unbind', (pdu) => {
    tell({ unbind: true })
    session.send(pdu.response(), () => session.close())
  })
})
server.on('error', () => {})
server.on('tlsClientError', () => tell({ tls: 'refused' }))
server.listen(0, '127.0.0.1', () => process.stdout.write(JSON.stringify({ port: server.address().port }) + '\n'))

const controls = {
  set: (changed) => { options = { ...options, ...changed } },
  end: () => sessions.forEach((session) => session.destroy()),
  deliver: (pdu) => {
    if (pdu.udh) pdu.short_message = { udh: Buffer.from(pdu.udh, 'hex'), message: pdu.short_message }
    const { udh, bind, ...rest } = pdu
    const by = [...sessions].filter((_, number) => bind === undefined || bind === number)
    by.forEach((session) => session.deliver_sm(rest, (answer) => tell({ answered: answer.command_status })))
  }
}
readline.createInterface({ input: process.stdin })
  .on('line', (line) => Object.entries(JSON.parse(line)).forEach(([name, value]) => controls[name](value)))
  .on('close', () => process.exit(0))
