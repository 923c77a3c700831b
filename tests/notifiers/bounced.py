"""Mails that come back, as the servers of the world write them."""

from textwrap import dedent

TOKEN = "n6lbt74lqzgqdnbnadhu7sle77e3sbfnqxnmt3w63ded2"
RETURN_PATH = f"bounces+{TOKEN}@gov.test"


def postfix(
    *,
    to: str = RETURN_PATH,
    also: str = "X-Spam: no",
    envelope_id: str = "",
    action: str = "failed",
    status: str = "5.1.1",
    message_id: str = TOKEN,
) -> bytes:
    """As Postfix writes it."""
    lines = f"""\
        Return-Path: <>
        Date: Sun,  1 Mar 2026 09:00:00 +0500 (+05)
        From: MAILER-DAEMON@mail.test (Mail Delivery System)
        Subject: Undelivered Mail Returned to Sender
        To: {to}
        {also}
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status;
        \tboundary="4YH1.1/mail.test"

        This is a MIME-encapsulated message.

        --4YH1.1/mail.test
        Content-Description: Notification
        Content-Type: text/plain; charset=us-ascii

        I'm sorry to have to inform you that your message could not
        be delivered to one or more recipients.

        --4YH1.1/mail.test
        Content-Description: Delivery report
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mail.test
        Original-Envelope-Id: {envelope_id}
        Arrival-Date: Sun,  1 Mar 2026 09:00:00 +0500 (+05)

        Final-Recipient: rfc822; aigerim@mail.test
        Original-Recipient: rfc822;aigerim@mail.test
        Action: {action}
        Status: {status}
        Remote-MTA: dns; mx.mail.test
        Diagnostic-Code: smtp; 550 {status} <aigerim@mail.test>: said the other server

        --4YH1.1/mail.test
        Content-Description: Undelivered Message
        Content-Type: message/rfc822

        From: Habarshy <habarshy@gov.test>
        To: aigerim@mail.test
        Subject: =?utf-8?b?0JbQtdC60LU=?=
        Message-ID: <{message_id}@gov.test>
        Content-Type: text/plain

        It expires soon.

        --4YH1.1/mail.test--
        """
    return dedent(lines).replace("\n", "\r\n").encode()


EXCHANGE = f"""\
From: <postmaster@outlook.test>
To: <{RETURN_PATH.upper()}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="a1"
Content-Language: en-US
X-MS-Exchange-Message-Is-Ndr:

--a1
Content-Type: multipart/alternative; differences=Content-Type; boundary="b2"

--b2
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:

--b2
Content-Type: text/html; charset="us-ascii"

<p>Delivery has failed</p>

--b2--

--a1
Content-Type: message/delivery-status

Reporting-MTA: dns;outlook.test
Received-From-MTA: dns;mail.gov.test
Arrival-Date: Sun, 1 Mar 2026 04:00:00 +0000

Final-Recipient: rfc822;aigerim@outlook.test
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp;554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException
X-Display-Name: Aigerim

--a1--
""".encode()

EXIM = f"""\
From: Mail Delivery System <Mailer-Daemon@mail.test>
To: list@gov.test
Content-Type: multipart/report; report-type=delivery-status; boundary=1740801600-eximdsn-1
MIME-Version: 1.0

--1740801600-eximdsn-1
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1740801600-eximdsn-1
Content-type: message/delivery-status

Reporting-MTA: dns; mail.test

Action: failed
Final-Recipient: rfc822;aigerim@mail.test
Status: 5.0.0
Remote-MTA: dns; mx.mail.test
Diagnostic-Code: smtp; 550 5.1.1 The email account that you tried to reach does not exist

--1740801600-eximdsn-1
Content-type: text/rfc822-headers

From: habarshy@gov.test
Message-ID: <{TOKEN}@gov.test>

--1740801600-eximdsn-1--
""".encode()

ABSENCE = f"""\
From: aigerim@mail.test
To: {RETURN_PATH}
Subject: Out of office
Auto-Submitted: auto-replied

I am on holiday until Monday.
""".encode()
