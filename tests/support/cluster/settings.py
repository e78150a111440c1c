"""The configuration file of a replica, and how any mapping is written as YAML."""


def replica_settings(number, folder, ports, peers, identity, admins):
    """What one replica needs to know; the keys are explained in coordd/server/README.md.

    ports: (client, peer, http) of this replica; peers: [(number, peer port, identity)], itself too.
    """
    client, peer, http = ports
    return {
        "node": number,
        "data_dir": f"{folder}/data",
        "client_listen": f"127.0.0.1:{client}",
        "peer_listen": f"127.0.0.1:{peer}",
        "http_listen": f"127.0.0.1:{http}",
        "tls": {"ca": identity.authority, "cert": identity.certificate, "key": identity.key},
        "admins": list(admins),
        "segment_bytes": "16MiB",
        "peers": [{"id": other, "address": f"127.0.0.1:{port}", "identity": name}
                  for other, port, name in peers],
    }


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def yaml(mapping, indent=""):
    """`mapping` as block YAML: nested mappings, lists of mappings, and scalars."""
    lines = []
    for key, value in mapping.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", yaml(value, indent + "  ").rstrip("\n")]
        elif isinstance(value, list):
            lines.append(f"{indent}{key}:")
            for item in value:
                if isinstance(item, dict):
                    inner = ", ".join(f"{name}: {scalar(each)}" for name, each in item.items())
                    lines.append(f"{indent}  - {{{inner}}}")
                else:
                    lines.append(f"{indent}  - {scalar(item)}")
        else:
            lines.append(f"{indent}{key}: {scalar(value)}")
    return "\n".join(lines) + "\n"
