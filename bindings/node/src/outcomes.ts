import { Code } from "./gen/coord/v1/operations.js";

/** Trying again does not help; the message says what was refused and why. */
export class Refused extends Error {}

/** After these nothing was done; another replica, or a later try, may do better. */
const ELSEWHERE = new Set([
  Code.CODE_BUSY,
  Code.CODE_NO_LEADER,
  Code.CODE_BEHIND,
  Code.CODE_SHUTTING_DOWN,
  Code.CODE_NOT_BORN,
  Code.CODE_CURSOR_EXPIRED,
]);

/** Throws unless the code of a reply or a welcome is OK: Refused if that is final. `what` it is about. */
export function check(what: string, { code, message }: { code: Code; message: string }) {
  if (code === Code.CODE_OK) return;
  const said = `${what}: ${(Code[code] ?? String(code)).replace("CODE_", "")} ${message}`;
  if (ELSEWHERE.has(code)) throw new Error(said);
  if (code !== Code.CODE_NODE_EXISTS) throw new Refused(said);
  throw new Refused(`${what}: another session has it; choose another name, or end that session`);
}
