package io.coord;

import java.util.OptionalLong;
import java.util.TreeMap;

/** When the frames of one stream were sent, in nanoseconds; those that were confirmed are forgotten. */
public final class SentFrames {
  private final TreeMap<Long, Long> unconfirmed = new TreeMap<>();
  private final long began = System.nanoTime();
  private long last = began;
  private long count;

  /** The number of a frame that is sent now. */
  public long next() {
    last = System.nanoTime();
    unconfirmed.put(++count, last);
    return count;
  }

  public long count() {
    return count;
  }

  /** When the stream began. */
  public long began() {
    return began;
  }

  /** When the newest frame was sent. */
  public long last() {
    return last;
  }

  /** When the frame was sent that the replica has confirmed, if that is news. */
  public OptionalLong confirm(long number) {
    Long at = unconfirmed.get(number);
    unconfirmed.headMap(number, true).clear();
    return at == null ? OptionalLong.empty() : OptionalLong.of(at);
  }
}
