/** Where the cluster is and who asks, out of the variables that coordctl reads as well. */

import { readFileSync } from "node:fs";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/** A variable, an argument or a file is not as it must be; the message says which, and how it must be. */
export class Misuse extends Error {}

export interface Environment {
  /** HOST:PORT of replicas, COORD_ENDPOINTS. */
  endpoints: string[];
  /** Mutual TLS, with the files of COORD_CACERT, COORD_CERT and COORD_KEY. */
  security: ChannelCredentials;
  /** COORD_SESSION_MS, 10,000 where it is not set. */
  sessionMs: number;
}

/** Throws Misuse. */
export function readEnvironment(): Environment {
  const endpoints = variable("COORD_ENDPOINTS", "HOST:PORT,...").split(",");
  const sessionMs = wholeNumber("COORD_SESSION_MS", process.env.COORD_SESSION_MS || "10000", 1_000_000_000);
  const files = [pem("COORD_CACERT"), pem("COORD_KEY"), pem("COORD_CERT")] as const;
  try {
    return { endpoints, sessionMs, security: credentials.createSsl(...files) };
  } catch (error) {
    throw new Misuse(`COORD_CACERT, COORD_CERT or COORD_KEY is damaged: ${(error as Error).message}`);
  }
}

/** `text` as a number from 1 to `max`, or Misuse; `name` is what it was given as. */
export function wholeNumber(name: string, text: string, max: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw new Misuse(`${name} is ${text}; it must be a whole number from 1 to ${max}`);
  return value;
}

function variable(name: string, what: string): string {
  const value = process.env[name];
  if (!value) throw new Misuse(`${name} is not set; it must be ${what}, see README.md`);
  return value;
}

function pem(name: string): Buffer {
  const file = variable(name, "the name of a PEM file");
  let text;
  try {
    text = readFileSync(file);
  } catch (error) {
    throw new Misuse(`${name}: cannot read ${file}: ${(error as Error).message}; it must name a PEM file`);
  }
  if (!text.includes("-----BEGIN ")) throw new Misuse(`${name}: ${file} is no PEM file, which it must name`);
  return text;
}
