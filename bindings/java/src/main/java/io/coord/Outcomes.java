package io.coord;

import io.coord.v1.Code;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;

/** What the codes of replies and welcomes ask of a client. */
public final class Outcomes {
  private static final Set<Code> ELSEWHERE =
      EnumSet.of(
          Code.CODE_NO_LEADER,
          Code.CODE_BUSY,
          Code.CODE_BEHIND,
          Code.CODE_SHUTTING_DOWN,
          Code.CODE_NOT_BORN,
          Code.CODE_LIMIT_TIME,
          Code.CODE_CURSOR_EXPIRED);

  private Outcomes() {}

  /**
   * Returns if the code is OK.
   *
   * @param what the path or the like that it is about
   * @param message the replica's own words, which may be empty
   * @throws IOException nothing was done; another replica, or a later try, may do better
   * @throws IllegalStateException trying again does not help
   */
  public static void check(String what, Code code, String message) throws IOException {
    if (code == Code.CODE_OK) {
      return;
    }
    String advice =
        code == Code.CODE_NODE_EXISTS
            ? "another session has it; choose another name, or wait until that session is over"
            : message;
    String said = "%s: %s %s".formatted(what, code.name().replace("CODE_", ""), advice).strip();
    if (ELSEWHERE.contains(code)) {
      throw new IOException(said);
    }
    throw new IllegalStateException(said);
  }
}
