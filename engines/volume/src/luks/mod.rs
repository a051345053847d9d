//! LUKS1 and LUKS2: headers, keyslots and the sectors behind them.
