-- What version 4 had beside version 3, word for word. Frozen, too.
CREATE TABLE act (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, ended TEXT, who TEXT NOT NULL, action TEXT NOT NULL,
  connection TEXT NOT NULL, what TEXT NOT NULL, plan TEXT, scenario TEXT, run INTEGER, outcome TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX act_of_plan ON act (plan) WHERE plan IS NOT NULL;
CREATE TABLE act_step (
  act INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT, payload TEXT, PRIMARY KEY (act, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE act_outcome (
  act INTEGER NOT NULL, change INTEGER NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, words TEXT NOT NULL,
  PRIMARY KEY (act, change)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 4;
