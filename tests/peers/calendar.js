// Preloaded (`node -r`): where what is signed is checked for its time, it is the time that PEER_TIME says.
Date.now = () => Number(process.env.PEER_TIME);
