-- First in registrations and failures: they come one after the other, and each sees what the one before wrote.
LOCK audit.turn;
