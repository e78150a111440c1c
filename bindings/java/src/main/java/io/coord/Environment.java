package io.coord;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Where the cluster is and who asks, out of the variables that coordctl reads as well.
 *
 * @param endpoints COORD_ENDPOINTS, HOST:PORT each
 * @param credentials mutual TLS with the files of COORD_CACERT, COORD_CERT and COORD_KEY
 * @param sessionMs COORD_SESSION_MS, 10,000 where it is not set
 */
public record Environment(List<String> endpoints, ChannelCredentials credentials, int sessionMs) {
  // Kept, because a logger that nobody holds forgets its level.
  private static final Logger GRPC = Logger.getLogger("io.grpc");

  /**
   * Reads the variables, and the files that they name; keeps gRPC from logging each try that fails.
   *
   * @throws IllegalArgumentException one is missing or wrong; says which, and what it must be
   */
  public static Environment read() {
    GRPC.setLevel(Level.SEVERE);
    List<String> endpoints = List.of(variable("COORD_ENDPOINTS", "HOST:PORT,...").split(","));
    for (String endpoint : endpoints) {
      if (!endpoint.matches(".+:[0-9]{1,5}")) {
        throw new IllegalArgumentException(
            "COORD_ENDPOINTS: \"%s\" is no HOST:PORT".formatted(endpoint));
      }
    }
    int sessionMs = sessionTimeout();
    File authority = pem("COORD_CACERT", "CERTIFICATE", "the authority's certificate");
    File certificate = pem("COORD_CERT", "CERTIFICATE", "the client's certificate");
    File key =
        pem("COORD_KEY", "PRIVATE KEY", "the client's key in PKCS#8 (openssl pkcs8 -topk8 -nodes)");
    try {
      ChannelCredentials credentials =
          TlsChannelCredentials.newBuilder()
              .trustManager(authority)
              .keyManager(certificate, key)
              .build();
      Grpc.newChannelBuilder("localhost", credentials); // parses the files
      return new Environment(endpoints, credentials, sessionMs);
    } catch (IOException | RuntimeException e) {
      String files =
          "COORD_CACERT %s, COORD_CERT %s or COORD_KEY %s".formatted(authority, certificate, key);
      throw new IllegalArgumentException(files + " is damaged: " + e.getMessage(), e);
    }
  }

  /** A channel to the endpoint whose turn it is, counted round and round from 0. */
  public ManagedChannel connect(int turn) {
    return Grpc.newChannelBuilder(endpoints.get(turn % endpoints.size()), credentials).build();
  }

  /**
   * What to say when no endpoint has answered for so long.
   *
   * @param session whether there was a session, which is over now
   * @param last how the last endpoint failed
   */
  public IllegalStateException unreachable(boolean session, long nanos, Exception last) {
    Throwable cause = last;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return new IllegalStateException(
        ("%sno replica of %s answers within %d s (last error: %s); "
                + "check that coordd runs there and that the certificates fit")
            .formatted(
                session ? "the session is over: " : "",
                String.join(",", endpoints),
                TimeUnit.NANOSECONDS.toSeconds(nanos),
                cause.getMessage() != null ? cause.getMessage() : "no answer in time"),
        last);
  }

  private static int sessionTimeout() {
    String text = System.getenv().getOrDefault("COORD_SESSION_MS", "10000");
    if (!text.matches("[1-9][0-9]{0,8}")) {
      throw new IllegalArgumentException(
          "COORD_SESSION_MS is %s; it must be a number of milliseconds".formatted(text));
    }
    return Integer.parseInt(text);
  }

  private static String variable(String name, String what) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) {
      throw new IllegalArgumentException(
          "%s is not set; it must be %s (see README.md)".formatted(name, what));
    }
    return value;
  }

  /** The file that a variable names, if it has a block of that label. */
  private static File pem(String name, String label, String what) {
    String wanted = "the PEM file of " + what;
    File file = new File(variable(name, wanted));
    String problem;
    try {
      String text = Files.readString(file.toPath(), StandardCharsets.ISO_8859_1);
      if (text.contains("-----BEGIN " + label + "-----")) {
        return file;
      }
      problem = "%s has no \"BEGIN %s\"".formatted(file, label);
    } catch (IOException e) {
      problem = "cannot read %s (%s)".formatted(file, e.getClass().getSimpleName());
    }
    throw new IllegalArgumentException("%s: %s; it must name %s".formatted(name, problem, wanted));
  }
}
