"""What types do not say: that the objects of the chart fit each other."""


class Objects:
    """The rendered objects, found by what they are."""

    def __init__(self, objects):
        self.all = objects

    def of(self, kind):
        return [each for each in self.all if each["kind"] == kind]

    def named(self, kind, name):
        """It, or None."""
        found = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found[0] if found else None

    def the(self, kind):
        """The only one of its kind."""
        found, = self.of(kind)
        return found

    def pods(self):
        """{what it is: template of a pod, with metadata and spec}."""
        return {"replica": self.the("StatefulSet")["spec"]["template"],
                "birth": self.the("Job")["spec"]["template"], "test": self.the("Pod")}

    def replica_names(self):
        """The DNS names that the headless service gives, in their order."""
        replicas = self.the("StatefulSet")
        name, spec = replicas["metadata"]["name"], replicas["spec"]
        first = spec["ordinals"]["start"]
        return [f"{name}-{number}.{spec['serviceName']}"
                for number in range(first, first + spec["replicas"])]


def matches(selector, labels):
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def container(pod):
    """The only one that a pod of the chart has."""
    found, = pod["spec"]["containers"]
    return found


def port_names(pod):
    return {port["name"] for port in container(pod)["ports"]}


def environment(pod):
    """{name: value} of those with a value of their own."""
    return {each["name"]: each["value"] for each in container(pod)["env"] if "value" in each}


def selectors_of_replicas(objects):
    """(where, labels) of each selector that has to find the replicas and nothing else."""
    found = [("StatefulSet", objects.the("StatefulSet")["spec"]["selector"]["matchLabels"])]
    found += [(f"Service {each['metadata']['name']}", each["spec"]["selector"])
              for each in objects.of("Service")]
    found += [("PodDisruptionBudget", each["spec"]["selector"]["matchLabels"])
              for each in objects.of("PodDisruptionBudget")]
    for policy in objects.of("NetworkPolicy"):
        found.append(("NetworkPolicy", policy["spec"]["podSelector"]["matchLabels"]))
        found += [("NetworkPolicy: peers", peer["podSelector"]["matchLabels"])
                  for rule in policy["spec"]["ingress"] if rule["ports"][0]["port"] == "peer"
                  for peer in rule["from"]]
    affinity = container_affinity(objects)
    found += [("anti-affinity", term["labelSelector"]["matchLabels"]) for term in affinity]
    return found


def container_affinity(objects):
    """The terms that keep replicas apart, required or preferred."""
    spec = objects.the("StatefulSet")["spec"]["template"]["spec"]
    apart = spec.get("affinity", {}).get("podAntiAffinity", {})
    return (apart.get("requiredDuringSchedulingIgnoredDuringExecution", [])
            + [each["podAffinityTerm"]
               for each in apart.get("preferredDuringSchedulingIgnoredDuringExecution", [])])


def mounted_files(pod):
    """(kind, name, key) of each Secret or ConfigMap in the pod's volumes; key None: all of it."""
    for volume in pod["spec"]["volumes"]:
        sources = volume.get("projected", {}).get("sources", [volume])
        for source in sources:
            if "secret" in source:
                name = source["secret"].get("secretName") or source["secret"]["name"]
                for item in source["secret"].get("items", [{"key": None}]):
                    yield "Secret", name, item["key"]
            else:
                yield "ConfigMap", source["configMap"]["name"], None
