-- What version 2 had beside version 1, word for word. Frozen, too.
CREATE TABLE totp_step (
  connection TEXT NOT NULL, setting TEXT NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (connection, setting)
) STRICT, WITHOUT ROWID;
INSERT INTO totp_step VALUES ('support', 'a-secret', 56000000);
PRAGMA user_version = 2;
