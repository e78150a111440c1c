"""As much of a Kubernetes API server as helm's `lookup` asks: which kinds there are, and objects."""

import http.server
import json
import threading

# Kind: (path of its group and version, name in paths).
KINDS = {
    "Secret": ("/api/v1", "secrets"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
}


class ApiServer:
    """Serves the objects of `objects` on a port of loopback that it picks."""

    def __init__(self):
        self.objects = []
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                outer.asked.append(self.path)
                found = outer.answer(self.path.split("?")[0])
                body = json.dumps(found or {
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
                    "code": 404}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def port(self):
        return self._server.server_address[1]

    def end(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path):
        """The object or the list of kinds that a path names; None if there is none."""
        for kind, (base, plural) in KINDS.items():
            for each in self.objects:
                meta = each["metadata"]
                where = f"{base}/namespaces/{meta.get('namespace', 'default')}/{plural}"
                if each["kind"] == kind and path == f"{where}/{meta['name']}":
                    return each
        for base, _ in KINDS.values():
            if path == base:
                return {"kind": "APIResourceList", "groupVersion": base.split("/", 2)[2],
                        "resources": [{"name": plural, "kind": kind, "namespaced": True,
                                       "verbs": ["get", "list"]}
                                      for kind, (other, plural) in KINDS.items() if other == base]}
        return None

    def kubeconfig(self):
        return json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "users": [{"name": "test", "user": {}}]})
