from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Code(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODE_OK: _ClassVar[Code]
    CODE_INVALID_ARGUMENT: _ClassVar[Code]
    CODE_NO_NODE: _ClassVar[Code]
    CODE_NODE_EXISTS: _ClassVar[Code]
    CODE_NO_PARENT: _ClassVar[Code]
    CODE_NOT_EMPTY: _ClassVar[Code]
    CODE_BAD_VERSION: _ClassVar[Code]
    CODE_NO_CHILDREN_FOR_EPHEMERALS: _ClassVar[Code]
    CODE_COMPARE_FAILED: _ClassVar[Code]
    CODE_TOO_LARGE: _ClassVar[Code]
    CODE_TOO_MANY: _ClassVar[Code]
    CODE_PERMISSION_DENIED: _ClassVar[Code]
    CODE_UNIMPLEMENTED: _ClassVar[Code]
    CODE_NO_LEADER: _ClassVar[Code]
    CODE_BUSY: _ClassVar[Code]
    CODE_OUTCOME_UNKNOWN: _ClassVar[Code]
    CODE_NOT_APPLIED: _ClassVar[Code]
    CODE_SESSION_EXPIRED: _ClassVar[Code]
    CODE_SESSION_MOVED: _ClassVar[Code]
    CODE_SESSION_REFUSED: _ClassVar[Code]
    CODE_SEQ_CONFLICT: _ClassVar[Code]
    CODE_CURSOR_EXPIRED: _ClassVar[Code]
    CODE_WRONG_CLUSTER: _ClassVar[Code]
    CODE_NOT_BORN: _ClassVar[Code]
    CODE_ALREADY_BORN: _ClassVar[Code]
    CODE_SHUTTING_DOWN: _ClassVar[Code]
    CODE_NOT_HELD: _ClassVar[Code]
    CODE_NOT_A_NUMBER: _ClassVar[Code]
    CODE_ROOT_FIXED: _ClassVar[Code]
    CODE_BEHIND: _ClassVar[Code]
    CODE_LIMIT_TIME: _ClassVar[Code]

class NodeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_KIND_PERSISTENT: _ClassVar[NodeKind]
    NODE_KIND_EPHEMERAL: _ClassVar[NodeKind]
    NODE_KIND_CONTAINER: _ClassVar[NodeKind]
    NODE_KIND_TTL: _ClassVar[NodeKind]

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_READ: _ClassVar[Permission]
    PERMISSION_WRITE: _ClassVar[Permission]
    PERMISSION_CREATE: _ClassVar[Permission]
    PERMISSION_DELETE: _ClassVar[Permission]
    PERMISSION_ADMIN: _ClassVar[Permission]

class Relation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATION_EQUAL: _ClassVar[Relation]
    RELATION_NOT_EQUAL: _ClassVar[Relation]
    RELATION_LESS: _ClassVar[Relation]
    RELATION_GREATER: _ClassVar[Relation]

class WatchScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WATCH_SCOPE_NODE: _ClassVar[WatchScope]
    WATCH_SCOPE_CHILDREN: _ClassVar[WatchScope]
    WATCH_SCOPE_SUBTREE: _ClassVar[WatchScope]

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_KIND_UNSPECIFIED: _ClassVar[EventKind]
    EVENT_KIND_CREATED: _ClassVar[EventKind]
    EVENT_KIND_DELETED: _ClassVar[EventKind]
    EVENT_KIND_CHANGED: _ClassVar[EventKind]
    EVENT_KIND_ACL_CHANGED: _ClassVar[EventKind]
CODE_OK: Code
CODE_INVALID_ARGUMENT: Code
CODE_NO_NODE: Code
CODE_NODE_EXISTS: Code
CODE_NO_PARENT: Code
CODE_NOT_EMPTY: Code
CODE_BAD_VERSION: Code
CODE_NO_CHILDREN_FOR_EPHEMERALS: Code
CODE_COMPARE_FAILED: Code
CODE_TOO_LARGE: Code
CODE_TOO_MANY: Code
CODE_PERMISSION_DENIED: Code
CODE_UNIMPLEMENTED: Code
CODE_NO_LEADER: Code
CODE_BUSY: Code
CODE_OUTCOME_UNKNOWN: Code
CODE_NOT_APPLIED: Code
CODE_SESSION_EXPIRED: Code
CODE_SESSION_MOVED: Code
CODE_SESSION_REFUSED: Code
CODE_SEQ_CONFLICT: Code
CODE_CURSOR_EXPIRED: Code
CODE_WRONG_CLUSTER: Code
CODE_NOT_BORN: Code
CODE_ALREADY_BORN: Code
CODE_SHUTTING_DOWN: Code
CODE_NOT_HELD: Code
CODE_NOT_A_NUMBER: Code
CODE_ROOT_FIXED: Code
CODE_BEHIND: Code
CODE_LIMIT_TIME: Code
NODE_KIND_PERSISTENT: NodeKind
NODE_KIND_EPHEMERAL: NodeKind
NODE_KIND_CONTAINER: NodeKind
NODE_KIND_TTL: NodeKind
PERMISSION_UNSPECIFIED: Permission
PERMISSION_READ: Permission
PERMISSION_WRITE: Permission
PERMISSION_CREATE: Permission
PERMISSION_DELETE: Permission
PERMISSION_ADMIN: Permission
RELATION_EQUAL: Relation
RELATION_NOT_EQUAL: Relation
RELATION_LESS: Relation
RELATION_GREATER: Relation
WATCH_SCOPE_NODE: WatchScope
WATCH_SCOPE_CHILDREN: WatchScope
WATCH_SCOPE_SUBTREE: WatchScope
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_CREATED: EventKind
EVENT_KIND_DELETED: EventKind
EVENT_KIND_CHANGED: EventKind
EVENT_KIND_ACL_CHANGED: EventKind

class Stat(_message.Message):
    __slots__ = ("czxid", "mzxid", "pzxid", "ctime_ms", "mtime_ms", "version", "cversion", "aversion", "ephemeral_owner", "data_length", "num_children", "azxid", "kind", "ttl_ms")
    CZXID_FIELD_NUMBER: _ClassVar[int]
    MZXID_FIELD_NUMBER: _ClassVar[int]
    PZXID_FIELD_NUMBER: _ClassVar[int]
    CTIME_MS_FIELD_NUMBER: _ClassVar[int]
    MTIME_MS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CVERSION_FIELD_NUMBER: _ClassVar[int]
    AVERSION_FIELD_NUMBER: _ClassVar[int]
    EPHEMERAL_OWNER_FIELD_NUMBER: _ClassVar[int]
    DATA_LENGTH_FIELD_NUMBER: _ClassVar[int]
    NUM_CHILDREN_FIELD_NUMBER: _ClassVar[int]
    AZXID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    czxid: int
    mzxid: int
    pzxid: int
    ctime_ms: int
    mtime_ms: int
    version: int
    cversion: int
    aversion: int
    ephemeral_owner: int
    data_length: int
    num_children: int
    azxid: int
    kind: NodeKind
    ttl_ms: int
    def __init__(self, czxid: _Optional[int] = ..., mzxid: _Optional[int] = ..., pzxid: _Optional[int] = ..., ctime_ms: _Optional[int] = ..., mtime_ms: _Optional[int] = ..., version: _Optional[int] = ..., cversion: _Optional[int] = ..., aversion: _Optional[int] = ..., ephemeral_owner: _Optional[int] = ..., data_length: _Optional[int] = ..., num_children: _Optional[int] = ..., azxid: _Optional[int] = ..., kind: _Optional[_Union[NodeKind, str]] = ..., ttl_ms: _Optional[int] = ...) -> None: ...

class Version(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: int
    def __init__(self, value: _Optional[int] = ...) -> None: ...

class Held(_message.Message):
    __slots__ = ("path", "fence", "n", "prefixes")
    PATH_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    path: str
    fence: int
    n: int
    prefixes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[str] = ..., fence: _Optional[int] = ..., n: _Optional[int] = ..., prefixes: _Optional[_Iterable[str]] = ...) -> None: ...

class AclEntry(_message.Message):
    __slots__ = ("permissions", "scheme", "id")
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    permissions: int
    scheme: str
    id: str
    def __init__(self, permissions: _Optional[int] = ..., scheme: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class Acl(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AclEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[AclEntry, _Mapping]]] = ...) -> None: ...

class CreateRequest(_message.Message):
    __slots__ = ("path", "data", "kind", "sequential", "ttl_ms", "parents", "parents_kind", "if_absent", "acl")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEQUENTIAL_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    PARENTS_KIND_FIELD_NUMBER: _ClassVar[int]
    IF_ABSENT_FIELD_NUMBER: _ClassVar[int]
    ACL_FIELD_NUMBER: _ClassVar[int]
    path: str
    data: bytes
    kind: NodeKind
    sequential: bool
    ttl_ms: int
    parents: bool
    parents_kind: NodeKind
    if_absent: bool
    acl: Acl
    def __init__(self, path: _Optional[str] = ..., data: _Optional[bytes] = ..., kind: _Optional[_Union[NodeKind, str]] = ..., sequential: bool = ..., ttl_ms: _Optional[int] = ..., parents: bool = ..., parents_kind: _Optional[_Union[NodeKind, str]] = ..., if_absent: bool = ..., acl: _Optional[_Union[Acl, _Mapping]] = ...) -> None: ...

class CreateResult(_message.Message):
    __slots__ = ("path", "stat", "created")
    PATH_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    path: str
    stat: Stat
    created: bool
    def __init__(self, path: _Optional[str] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ..., created: bool = ...) -> None: ...

class SetRequest(_message.Message):
    __slots__ = ("path", "data", "if_version")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    data: bytes
    if_version: Version
    def __init__(self, path: _Optional[str] = ..., data: _Optional[bytes] = ..., if_version: _Optional[_Union[Version, _Mapping]] = ...) -> None: ...

class SetResult(_message.Message):
    __slots__ = ("stat",)
    STAT_FIELD_NUMBER: _ClassVar[int]
    stat: Stat
    def __init__(self, stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("path", "if_version", "recursive", "if_present")
    PATH_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    RECURSIVE_FIELD_NUMBER: _ClassVar[int]
    IF_PRESENT_FIELD_NUMBER: _ClassVar[int]
    path: str
    if_version: Version
    recursive: bool
    if_present: bool
    def __init__(self, path: _Optional[str] = ..., if_version: _Optional[_Union[Version, _Mapping]] = ..., recursive: bool = ..., if_present: bool = ...) -> None: ...

class DeleteResult(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: int
    def __init__(self, deleted: _Optional[int] = ...) -> None: ...

class TxnRequest(_message.Message):
    __slots__ = ("compares", "on_success", "on_failure")
    COMPARES_FIELD_NUMBER: _ClassVar[int]
    ON_SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    compares: _containers.RepeatedCompositeFieldContainer[Compare]
    on_success: _containers.RepeatedCompositeFieldContainer[TxnOp]
    on_failure: _containers.RepeatedCompositeFieldContainer[TxnOp]
    def __init__(self, compares: _Optional[_Iterable[_Union[Compare, _Mapping]]] = ..., on_success: _Optional[_Iterable[_Union[TxnOp, _Mapping]]] = ..., on_failure: _Optional[_Iterable[_Union[TxnOp, _Mapping]]] = ...) -> None: ...

class Compare(_message.Message):
    __slots__ = ("path", "relation", "exists", "version", "cversion", "aversion", "czxid", "mzxid", "pzxid", "num_children", "owner", "value", "held")
    PATH_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CVERSION_FIELD_NUMBER: _ClassVar[int]
    AVERSION_FIELD_NUMBER: _ClassVar[int]
    CZXID_FIELD_NUMBER: _ClassVar[int]
    MZXID_FIELD_NUMBER: _ClassVar[int]
    PZXID_FIELD_NUMBER: _ClassVar[int]
    NUM_CHILDREN_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    path: str
    relation: Relation
    exists: bool
    version: int
    cversion: int
    aversion: int
    czxid: int
    mzxid: int
    pzxid: int
    num_children: int
    owner: int
    value: bytes
    held: Held
    def __init__(self, path: _Optional[str] = ..., relation: _Optional[_Union[Relation, str]] = ..., exists: bool = ..., version: _Optional[int] = ..., cversion: _Optional[int] = ..., aversion: _Optional[int] = ..., czxid: _Optional[int] = ..., mzxid: _Optional[int] = ..., pzxid: _Optional[int] = ..., num_children: _Optional[int] = ..., owner: _Optional[int] = ..., value: _Optional[bytes] = ..., held: _Optional[_Union[Held, _Mapping]] = ...) -> None: ...

class TxnOp(_message.Message):
    __slots__ = ("create", "set", "delete", "increment", "set_acl", "get", "exists", "children", "check")
    CREATE_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    SET_ACL_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    create: CreateRequest
    set: SetRequest
    delete: DeleteRequest
    increment: IncrementRequest
    set_acl: SetAclRequest
    get: GetRequest
    exists: ExistsRequest
    children: ChildrenRequest
    check: CheckRequest
    def __init__(self, create: _Optional[_Union[CreateRequest, _Mapping]] = ..., set: _Optional[_Union[SetRequest, _Mapping]] = ..., delete: _Optional[_Union[DeleteRequest, _Mapping]] = ..., increment: _Optional[_Union[IncrementRequest, _Mapping]] = ..., set_acl: _Optional[_Union[SetAclRequest, _Mapping]] = ..., get: _Optional[_Union[GetRequest, _Mapping]] = ..., exists: _Optional[_Union[ExistsRequest, _Mapping]] = ..., children: _Optional[_Union[ChildrenRequest, _Mapping]] = ..., check: _Optional[_Union[CheckRequest, _Mapping]] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ("path", "if_version")
    PATH_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    if_version: Version
    def __init__(self, path: _Optional[str] = ..., if_version: _Optional[_Union[Version, _Mapping]] = ...) -> None: ...

class CheckResult(_message.Message):
    __slots__ = ("stat",)
    STAT_FIELD_NUMBER: _ClassVar[int]
    stat: Stat
    def __init__(self, stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class TxnResult(_message.Message):
    __slots__ = ("succeeded", "results", "failed_index")
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FAILED_INDEX_FIELD_NUMBER: _ClassVar[int]
    succeeded: bool
    results: _containers.RepeatedCompositeFieldContainer[TxnOpResult]
    failed_index: int
    def __init__(self, succeeded: bool = ..., results: _Optional[_Iterable[_Union[TxnOpResult, _Mapping]]] = ..., failed_index: _Optional[int] = ...) -> None: ...

class TxnOpResult(_message.Message):
    __slots__ = ("create", "set", "delete", "increment", "set_acl", "get", "exists", "children", "check")
    CREATE_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    SET_ACL_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    create: CreateResult
    set: SetResult
    delete: DeleteResult
    increment: IncrementResult
    set_acl: SetAclResult
    get: GetResult
    exists: ExistsResult
    children: ChildrenResult
    check: CheckResult
    def __init__(self, create: _Optional[_Union[CreateResult, _Mapping]] = ..., set: _Optional[_Union[SetResult, _Mapping]] = ..., delete: _Optional[_Union[DeleteResult, _Mapping]] = ..., increment: _Optional[_Union[IncrementResult, _Mapping]] = ..., set_acl: _Optional[_Union[SetAclResult, _Mapping]] = ..., get: _Optional[_Union[GetResult, _Mapping]] = ..., exists: _Optional[_Union[ExistsResult, _Mapping]] = ..., children: _Optional[_Union[ChildrenResult, _Mapping]] = ..., check: _Optional[_Union[CheckResult, _Mapping]] = ...) -> None: ...

class IncrementRequest(_message.Message):
    __slots__ = ("path", "delta", "if_version", "create")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    path: str
    delta: int
    if_version: Version
    create: bool
    def __init__(self, path: _Optional[str] = ..., delta: _Optional[int] = ..., if_version: _Optional[_Union[Version, _Mapping]] = ..., create: bool = ...) -> None: ...

class IncrementResult(_message.Message):
    __slots__ = ("value", "stat")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    value: int
    stat: Stat
    def __init__(self, value: _Optional[int] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class SetAclRequest(_message.Message):
    __slots__ = ("path", "acl", "if_aversion")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ACL_FIELD_NUMBER: _ClassVar[int]
    IF_AVERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    acl: Acl
    if_aversion: Version
    def __init__(self, path: _Optional[str] = ..., acl: _Optional[_Union[Acl, _Mapping]] = ..., if_aversion: _Optional[_Union[Version, _Mapping]] = ...) -> None: ...

class SetAclResult(_message.Message):
    __slots__ = ("stat",)
    STAT_FIELD_NUMBER: _ClassVar[int]
    stat: Stat
    def __init__(self, stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class Quota(_message.Message):
    __slots__ = ("nodes", "bytes")
    NODES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    nodes: int
    bytes: int
    def __init__(self, nodes: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class SetQuotaRequest(_message.Message):
    __slots__ = ("path", "quota")
    PATH_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    path: str
    quota: Quota
    def __init__(self, path: _Optional[str] = ..., quota: _Optional[_Union[Quota, _Mapping]] = ...) -> None: ...

class SetQuotaResult(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class GetResult(_message.Message):
    __slots__ = ("data", "stat")
    DATA_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    stat: Stat
    def __init__(self, data: _Optional[bytes] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class ExistsRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class ExistsResult(_message.Message):
    __slots__ = ("exists", "stat")
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    exists: bool
    stat: Stat
    def __init__(self, exists: bool = ..., stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class ChildrenRequest(_message.Message):
    __slots__ = ("path", "with_stat", "with_data", "limit", "cursor", "start_after")
    PATH_FIELD_NUMBER: _ClassVar[int]
    WITH_STAT_FIELD_NUMBER: _ClassVar[int]
    WITH_DATA_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    START_AFTER_FIELD_NUMBER: _ClassVar[int]
    path: str
    with_stat: bool
    with_data: bool
    limit: int
    cursor: bytes
    start_after: str
    def __init__(self, path: _Optional[str] = ..., with_stat: bool = ..., with_data: bool = ..., limit: _Optional[int] = ..., cursor: _Optional[bytes] = ..., start_after: _Optional[str] = ...) -> None: ...

class Child(_message.Message):
    __slots__ = ("name", "stat", "data")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    stat: Stat
    data: bytes
    def __init__(self, name: _Optional[str] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class ChildrenResult(_message.Message):
    __slots__ = ("children", "cursor", "stat")
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    children: _containers.RepeatedCompositeFieldContainer[Child]
    cursor: bytes
    stat: Stat
    def __init__(self, children: _Optional[_Iterable[_Union[Child, _Mapping]]] = ..., cursor: _Optional[bytes] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("path", "with_stat", "with_data", "limit", "cursor", "depth")
    PATH_FIELD_NUMBER: _ClassVar[int]
    WITH_STAT_FIELD_NUMBER: _ClassVar[int]
    WITH_DATA_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    path: str
    with_stat: bool
    with_data: bool
    limit: int
    cursor: bytes
    depth: int
    def __init__(self, path: _Optional[str] = ..., with_stat: bool = ..., with_data: bool = ..., limit: _Optional[int] = ..., cursor: _Optional[bytes] = ..., depth: _Optional[int] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("path", "stat", "data")
    PATH_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    path: str
    stat: Stat
    data: bytes
    def __init__(self, path: _Optional[str] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class ListResult(_message.Message):
    __slots__ = ("nodes", "cursor")
    NODES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    cursor: bytes
    def __init__(self, nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., cursor: _Optional[bytes] = ...) -> None: ...

class CountRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class CountResult(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: int
    def __init__(self, nodes: _Optional[int] = ...) -> None: ...

class GetAclRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class GetAclResult(_message.Message):
    __slots__ = ("acl", "origin_path", "stat")
    ACL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_PATH_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    acl: Acl
    origin_path: str
    stat: Stat
    def __init__(self, acl: _Optional[_Union[Acl, _Mapping]] = ..., origin_path: _Optional[str] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ...) -> None: ...

class GetQuotaRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class GetQuotaResult(_message.Message):
    __slots__ = ("quota", "usage")
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    quota: Quota
    usage: Quota
    def __init__(self, quota: _Optional[_Union[Quota, _Mapping]] = ..., usage: _Optional[_Union[Quota, _Mapping]] = ...) -> None: ...

class EphemeralsRequest(_message.Message):
    __slots__ = ("session_id", "path", "limit", "cursor")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    session_id: int
    path: str
    limit: int
    cursor: bytes
    def __init__(self, session_id: _Optional[int] = ..., path: _Optional[str] = ..., limit: _Optional[int] = ..., cursor: _Optional[bytes] = ...) -> None: ...

class EphemeralsResult(_message.Message):
    __slots__ = ("paths", "cursor")
    PATHS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedScalarFieldContainer[str]
    cursor: bytes
    def __init__(self, paths: _Optional[_Iterable[str]] = ..., cursor: _Optional[bytes] = ...) -> None: ...

class ChangedSinceRequest(_message.Message):
    __slots__ = ("path", "zxid", "with_data", "limit", "cursor")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    WITH_DATA_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    path: str
    zxid: int
    with_data: bool
    limit: int
    cursor: bytes
    def __init__(self, path: _Optional[str] = ..., zxid: _Optional[int] = ..., with_data: bool = ..., limit: _Optional[int] = ..., cursor: _Optional[bytes] = ...) -> None: ...

class ChangedNode(_message.Message):
    __slots__ = ("path", "stat", "data", "children_changed", "child_names", "child_names_follow")
    PATH_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CHILD_NAMES_FIELD_NUMBER: _ClassVar[int]
    CHILD_NAMES_FOLLOW_FIELD_NUMBER: _ClassVar[int]
    path: str
    stat: Stat
    data: bytes
    children_changed: bool
    child_names: _containers.RepeatedScalarFieldContainer[str]
    child_names_follow: bool
    def __init__(self, path: _Optional[str] = ..., stat: _Optional[_Union[Stat, _Mapping]] = ..., data: _Optional[bytes] = ..., children_changed: bool = ..., child_names: _Optional[_Iterable[str]] = ..., child_names_follow: bool = ...) -> None: ...

class ChangedSinceResult(_message.Message):
    __slots__ = ("nodes", "cursor", "zxid")
    NODES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[ChangedNode]
    cursor: bytes
    zxid: int
    def __init__(self, nodes: _Optional[_Iterable[_Union[ChangedNode, _Mapping]]] = ..., cursor: _Optional[bytes] = ..., zxid: _Optional[int] = ...) -> None: ...

class SyncRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SyncResult(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhoAmIRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhoAmIResult(_message.Message):
    __slots__ = ("scheme", "identity", "session_id", "roles")
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    scheme: str
    identity: str
    session_id: int
    roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, scheme: _Optional[str] = ..., identity: _Optional[str] = ..., session_id: _Optional[int] = ..., roles: _Optional[_Iterable[str]] = ...) -> None: ...

class OutcomeOfRequest(_message.Message):
    __slots__ = ("session_id", "secret", "seq", "key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: int
    secret: bytes
    seq: int
    key: bytes
    def __init__(self, session_id: _Optional[int] = ..., secret: _Optional[bytes] = ..., seq: _Optional[int] = ..., key: _Optional[bytes] = ...) -> None: ...

class OutcomeOfResult(_message.Message):
    __slots__ = ("code", "message", "zxid", "create", "set", "delete", "txn", "increment", "set_acl", "set_quota", "set_timeout", "forget", "close")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    TXN_FIELD_NUMBER: _ClassVar[int]
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    SET_ACL_FIELD_NUMBER: _ClassVar[int]
    SET_QUOTA_FIELD_NUMBER: _ClassVar[int]
    SET_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    code: Code
    message: str
    zxid: int
    create: CreateResult
    set: SetResult
    delete: DeleteResult
    txn: TxnResult
    increment: IncrementResult
    set_acl: SetAclResult
    set_quota: SetQuotaResult
    set_timeout: SetTimeoutResult
    forget: ForgetResult
    close: CloseResult
    def __init__(self, code: _Optional[_Union[Code, str]] = ..., message: _Optional[str] = ..., zxid: _Optional[int] = ..., create: _Optional[_Union[CreateResult, _Mapping]] = ..., set: _Optional[_Union[SetResult, _Mapping]] = ..., delete: _Optional[_Union[DeleteResult, _Mapping]] = ..., txn: _Optional[_Union[TxnResult, _Mapping]] = ..., increment: _Optional[_Union[IncrementResult, _Mapping]] = ..., set_acl: _Optional[_Union[SetAclResult, _Mapping]] = ..., set_quota: _Optional[_Union[SetQuotaResult, _Mapping]] = ..., set_timeout: _Optional[_Union[SetTimeoutResult, _Mapping]] = ..., forget: _Optional[_Union[ForgetResult, _Mapping]] = ..., close: _Optional[_Union[CloseResult, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("watch_id", "after_zxid", "tree", "queue_front")
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_ZXID_FIELD_NUMBER: _ClassVar[int]
    TREE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FRONT_FIELD_NUMBER: _ClassVar[int]
    watch_id: int
    after_zxid: int
    tree: TreeWatch
    queue_front: QueueFrontWatch
    def __init__(self, watch_id: _Optional[int] = ..., after_zxid: _Optional[int] = ..., tree: _Optional[_Union[TreeWatch, _Mapping]] = ..., queue_front: _Optional[_Union[QueueFrontWatch, _Mapping]] = ...) -> None: ...

class TreeWatch(_message.Message):
    __slots__ = ("path", "scope", "kinds", "with_data", "with_previous", "read_node", "read_children")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    WITH_DATA_FIELD_NUMBER: _ClassVar[int]
    WITH_PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    READ_NODE_FIELD_NUMBER: _ClassVar[int]
    READ_CHILDREN_FIELD_NUMBER: _ClassVar[int]
    path: str
    scope: WatchScope
    kinds: _containers.RepeatedScalarFieldContainer[EventKind]
    with_data: bool
    with_previous: bool
    read_node: bool
    read_children: bool
    def __init__(self, path: _Optional[str] = ..., scope: _Optional[_Union[WatchScope, str]] = ..., kinds: _Optional[_Iterable[_Union[EventKind, str]]] = ..., with_data: bool = ..., with_previous: bool = ..., read_node: bool = ..., read_children: bool = ...) -> None: ...

class QueueFrontWatch(_message.Message):
    __slots__ = ("path", "created", "n", "prefixes")
    PATH_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    path: str
    created: CreatedNode
    n: int
    prefixes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[str] = ..., created: _Optional[_Union[CreatedNode, _Mapping]] = ..., n: _Optional[int] = ..., prefixes: _Optional[_Iterable[str]] = ...) -> None: ...

class CreatedNode(_message.Message):
    __slots__ = ("seq", "op_index")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    OP_INDEX_FIELD_NUMBER: _ClassVar[int]
    seq: int
    op_index: int
    def __init__(self, seq: _Optional[int] = ..., op_index: _Optional[int] = ...) -> None: ...

class WatchResult(_message.Message):
    __slots__ = ("complete_from_zxid", "node", "data", "children")
    COMPLETE_FROM_ZXID_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    complete_from_zxid: int
    node: ExistsResult
    data: bytes
    children: ChildrenResult
    def __init__(self, complete_from_zxid: _Optional[int] = ..., node: _Optional[_Union[ExistsResult, _Mapping]] = ..., data: _Optional[bytes] = ..., children: _Optional[_Union[ChildrenResult, _Mapping]] = ...) -> None: ...

class UnwatchRequest(_message.Message):
    __slots__ = ("watch_id",)
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    watch_id: int
    def __init__(self, watch_id: _Optional[int] = ...) -> None: ...

class UnwatchResult(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OpenSession(_message.Message):
    __slots__ = ("secret_hash", "timeout_ms")
    SECRET_HASH_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    secret_hash: bytes
    timeout_ms: int
    def __init__(self, secret_hash: _Optional[bytes] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class ResumeSession(_message.Message):
    __slots__ = ("session_id", "secret", "attach")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    session_id: int
    secret: bytes
    attach: int
    def __init__(self, session_id: _Optional[int] = ..., secret: _Optional[bytes] = ..., attach: _Optional[int] = ...) -> None: ...

class SetTimeoutRequest(_message.Message):
    __slots__ = ("timeout_ms",)
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    timeout_ms: int
    def __init__(self, timeout_ms: _Optional[int] = ...) -> None: ...

class SetTimeoutResult(_message.Message):
    __slots__ = ("timeout_ms",)
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    timeout_ms: int
    def __init__(self, timeout_ms: _Optional[int] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ("reply_mark",)
    REPLY_MARK_FIELD_NUMBER: _ClassVar[int]
    reply_mark: int
    def __init__(self, reply_mark: _Optional[int] = ...) -> None: ...

class ForgetResult(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CloseRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CloseResult(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
