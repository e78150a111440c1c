package io.coord;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.protobuf.ByteString;
import java.util.Optional;

/**
 * An instance of a service: what the data of the node /services/NAME/ID say (bindings/SPEC.md). Its
 * metadata, and the rules on them, are left to the session layer that is to come.
 */
public record ServiceInstance(String name, String id, String address, int port) {
  private static final Gson JSON = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  /** Refuses with IllegalArgumentException what can be no instance. */
  public ServiceInstance {
    if (id.isEmpty() || id.contains("/")) {
      throw new IllegalArgumentException(
          "the instance is \"%s\"; it must be a name without \"/\"".formatted(id));
    }
    if (address.isEmpty()) {
      throw new IllegalArgumentException("the address of instance %s is empty".formatted(id));
    }
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException(
          "the port is %d; it must be a number from 1 to 65535".formatted(port));
    }
  }

  /** An instance on this machine; PORT as it stands on a command line. */
  public static ServiceInstance local(String name, String id, String port) {
    int number = port.matches("[0-9]{1,5}") ? Integer.parseInt(port) : 0;
    if (number < 1 || number > 65535) {
      throw new IllegalArgumentException(
          "PORT is \"%s\"; it must be a number from 1 to 65535".formatted(port));
    }
    return new ServiceInstance(name, id, "127.0.0.1", number);
  }

  /** As data of a node. */
  public ByteString data() {
    return ByteString.copyFromUtf8(JSON.toJson(this));
  }

  /** What the data of node /services/NAME/ID say; empty if that is no instance of the service. */
  public static Optional<ServiceInstance> parse(String name, String id, ByteString data) {
    try {
      JsonObject json = JSON.fromJson(data.toStringUtf8(), JsonObject.class);
      JsonPrimitive address = json.getAsJsonPrimitive("address");
      JsonPrimitive port = json.getAsJsonPrimitive("port");
      if (!new JsonPrimitive(name).equals(json.get("name"))
          || !new JsonPrimitive(id).equals(json.get("id"))
          || !address.isString()
          || !port.isNumber()) {
        return Optional.empty();
      }
      int number = port.getAsBigDecimal().intValueExact();
      return Optional.of(new ServiceInstance(name, id, address.getAsString(), number));
    } catch (RuntimeException wrong) { // no JSON, not these members, or not a whole number
      return Optional.empty();
    }
  }

  /** Without its service: ID ADDRESS:PORT. */
  @Override
  public String toString() {
    return id + " " + address + ":" + port;
  }
}
