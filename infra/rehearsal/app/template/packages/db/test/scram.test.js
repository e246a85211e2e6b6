import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, respond, verifyServer } from "../src/scram.js";

// The example exchange of RFC 7677, section 3.
const CHALLENGE =
  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const state = () => begin("user", "rOprNGfwEbeRWgbNEkqO");

test("the proof is the one that the standard prints", async () => {
  const { message } = await respond(state(), "pencil", CHALLENGE);
  assert.equal(
    message,
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  );
});

test("the server's signature is checked", async () => {
  const { serverSignature } = await respond(state(), "pencil", CHALLENGE);
  verifyServer(serverSignature, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  assert.throws(() => verifyServer(serverSignature, "v=AAAA"), /could not prove/);
});

test("a challenge for another client is refused", async () => {
  await assert.rejects(respond(begin("", "mine"), "pencil", CHALLENGE), /another client/);
});
