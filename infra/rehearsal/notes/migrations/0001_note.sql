CREATE TABLE note (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body text NOT NULL
);

INSERT INTO note (body) VALUES ('the first note');
