/** What the data of a node /services/NAME/ID say, see "Presences, groups, services" in bindings/SPEC.md. */
export interface ServiceInstance {
  name: string;
  id: string;
  address: string;
  port: number;
}

/** An instance of the service `name` from the node `id`; undefined if the data describe none. */
export function parseInstance(name: string, id: string, data: Buffer): ServiceInstance | undefined {
  try {
    const { address, port, ...told } = JSON.parse(data.toString());
    const wellFormed =
      told.name === name && told.id === id && typeof address === "string" && address !== "" &&
      Number.isInteger(port) && port >= 1 && port <= 65535;
    return wellFormed ? { name, id, address, port } : undefined;
  } catch {
    return undefined; // no JSON, or no object
  }
}
