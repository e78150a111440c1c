from coord.v1 import operations_pb2 as _operations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MemberRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBER_ROLE_UNSPECIFIED: _ClassVar[MemberRole]
    MEMBER_ROLE_VOTER: _ClassVar[MemberRole]
    MEMBER_ROLE_LEARNER: _ClassVar[MemberRole]
    MEMBER_ROLE_OBSERVER: _ClassVar[MemberRole]

class ReplicaState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPLICA_STATE_UNSPECIFIED: _ClassVar[ReplicaState]
    REPLICA_STATE_EMPTY: _ClassVar[ReplicaState]
    REPLICA_STATE_LEARNER: _ClassVar[ReplicaState]
    REPLICA_STATE_FOLLOWER: _ClassVar[ReplicaState]
    REPLICA_STATE_CANDIDATE: _ClassVar[ReplicaState]
    REPLICA_STATE_LEADER: _ClassVar[ReplicaState]
    REPLICA_STATE_FENCED: _ClassVar[ReplicaState]
MEMBER_ROLE_UNSPECIFIED: MemberRole
MEMBER_ROLE_VOTER: MemberRole
MEMBER_ROLE_LEARNER: MemberRole
MEMBER_ROLE_OBSERVER: MemberRole
REPLICA_STATE_UNSPECIFIED: ReplicaState
REPLICA_STATE_EMPTY: ReplicaState
REPLICA_STATE_LEARNER: ReplicaState
REPLICA_STATE_FOLLOWER: ReplicaState
REPLICA_STATE_CANDIDATE: ReplicaState
REPLICA_STATE_LEADER: ReplicaState
REPLICA_STATE_FENCED: ReplicaState

class InitRequest(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: int
    def __init__(self, alpha: _Optional[int] = ...) -> None: ...

class InitResponse(_message.Message):
    __slots__ = ("code", "message", "cluster_id", "generation")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    cluster_id: bytes
    generation: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., cluster_id: _Optional[bytes] = ..., generation: _Optional[int] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("node_id", "incarnation", "role", "client_address", "peer_address", "identity", "chosen_slot", "heard_ms_ago")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PEER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_SLOT_FIELD_NUMBER: _ClassVar[int]
    HEARD_MS_AGO_FIELD_NUMBER: _ClassVar[int]
    node_id: int
    incarnation: int
    role: MemberRole
    client_address: str
    peer_address: str
    identity: str
    chosen_slot: int
    heard_ms_ago: int
    def __init__(self, node_id: _Optional[int] = ..., incarnation: _Optional[int] = ..., role: _Optional[_Union[MemberRole, str]] = ..., client_address: _Optional[str] = ..., peer_address: _Optional[str] = ..., identity: _Optional[str] = ..., chosen_slot: _Optional[int] = ..., heard_ms_ago: _Optional[int] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ("code", "message", "node_id", "incarnation", "server", "cluster_id", "generation", "state", "leader_id", "ballot_round", "chosen_slot", "applied_slot", "zxid", "members", "nodes", "sessions", "watches", "streams", "uptime_ms", "log_bytes", "disk_free_bytes", "alarms", "digest", "ready", "digest_version", "snapshot_slot", "snapshot_bytes", "log_first_slot", "tree_bytes", "history_after_zxid", "history_bytes", "cpu_us", "memory_bytes")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LEADER_ID_FIELD_NUMBER: _ClassVar[int]
    BALLOT_ROUND_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_SLOT_FIELD_NUMBER: _ClassVar[int]
    APPLIED_SLOT_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    WATCHES_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    LOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_VERSION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_SLOT_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    LOG_FIRST_SLOT_FIELD_NUMBER: _ClassVar[int]
    TREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    HISTORY_AFTER_ZXID_FIELD_NUMBER: _ClassVar[int]
    HISTORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CPU_US_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    node_id: int
    incarnation: int
    server: str
    cluster_id: bytes
    generation: int
    state: ReplicaState
    leader_id: int
    ballot_round: int
    chosen_slot: int
    applied_slot: int
    zxid: int
    members: _containers.RepeatedCompositeFieldContainer[Member]
    nodes: int
    sessions: int
    watches: int
    streams: int
    uptime_ms: int
    log_bytes: int
    disk_free_bytes: int
    alarms: _containers.RepeatedScalarFieldContainer[str]
    digest: int
    ready: bool
    digest_version: int
    snapshot_slot: int
    snapshot_bytes: int
    log_first_slot: int
    tree_bytes: int
    history_after_zxid: int
    history_bytes: int
    cpu_us: int
    memory_bytes: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., node_id: _Optional[int] = ..., incarnation: _Optional[int] = ..., server: _Optional[str] = ..., cluster_id: _Optional[bytes] = ..., generation: _Optional[int] = ..., state: _Optional[_Union[ReplicaState, str]] = ..., leader_id: _Optional[int] = ..., ballot_round: _Optional[int] = ..., chosen_slot: _Optional[int] = ..., applied_slot: _Optional[int] = ..., zxid: _Optional[int] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., nodes: _Optional[int] = ..., sessions: _Optional[int] = ..., watches: _Optional[int] = ..., streams: _Optional[int] = ..., uptime_ms: _Optional[int] = ..., log_bytes: _Optional[int] = ..., disk_free_bytes: _Optional[int] = ..., alarms: _Optional[_Iterable[str]] = ..., digest: _Optional[int] = ..., ready: bool = ..., digest_version: _Optional[int] = ..., snapshot_slot: _Optional[int] = ..., snapshot_bytes: _Optional[int] = ..., log_first_slot: _Optional[int] = ..., tree_bytes: _Optional[int] = ..., history_after_zxid: _Optional[int] = ..., history_bytes: _Optional[int] = ..., cpu_us: _Optional[int] = ..., memory_bytes: _Optional[int] = ...) -> None: ...

class MembersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MembersResponse(_message.Message):
    __slots__ = ("code", "message", "members", "alpha", "slot")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    members: _containers.RepeatedCompositeFieldContainer[Member]
    alpha: int
    slot: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., alpha: _Optional[int] = ..., slot: _Optional[int] = ...) -> None: ...

class ReconfigureRequest(_message.Message):
    __slots__ = ("add", "remove", "promote")
    ADD_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    PROMOTE_FIELD_NUMBER: _ClassVar[int]
    add: AddMember
    remove: RemoveMember
    promote: PromoteMember
    def __init__(self, add: _Optional[_Union[AddMember, _Mapping]] = ..., remove: _Optional[_Union[RemoveMember, _Mapping]] = ..., promote: _Optional[_Union[PromoteMember, _Mapping]] = ...) -> None: ...

class AddMember(_message.Message):
    __slots__ = ("node_id", "incarnation", "role")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    node_id: int
    incarnation: int
    role: MemberRole
    def __init__(self, node_id: _Optional[int] = ..., incarnation: _Optional[int] = ..., role: _Optional[_Union[MemberRole, str]] = ...) -> None: ...

class RemoveMember(_message.Message):
    __slots__ = ("node_id",)
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: int
    def __init__(self, node_id: _Optional[int] = ...) -> None: ...

class PromoteMember(_message.Message):
    __slots__ = ("node_id",)
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: int
    def __init__(self, node_id: _Optional[int] = ...) -> None: ...

class ReconfigureResponse(_message.Message):
    __slots__ = ("code", "message", "members")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    members: _containers.RepeatedCompositeFieldContainer[Member]
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ...) -> None: ...

class TransferLeadershipRequest(_message.Message):
    __slots__ = ("node_id",)
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: int
    def __init__(self, node_id: _Optional[int] = ...) -> None: ...

class TransferLeadershipResponse(_message.Message):
    __slots__ = ("code", "message", "leader_id")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LEADER_ID_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    leader_id: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., leader_id: _Optional[int] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ("undo",)
    UNDO_FIELD_NUMBER: _ClassVar[int]
    undo: bool
    def __init__(self, undo: bool = ...) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ("code", "message", "streams")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    streams: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., streams: _Optional[int] = ...) -> None: ...

class BackupRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BackupHeader(_message.Message):
    __slots__ = ("format", "cluster_id", "generation", "slot", "zxid", "taken_time_ms")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    TAKEN_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    format: int
    cluster_id: bytes
    generation: int
    slot: int
    zxid: int
    taken_time_ms: int
    def __init__(self, format: _Optional[int] = ..., cluster_id: _Optional[bytes] = ..., generation: _Optional[int] = ..., slot: _Optional[int] = ..., zxid: _Optional[int] = ..., taken_time_ms: _Optional[int] = ...) -> None: ...

class BackupTrailer(_message.Message):
    __slots__ = ("bytes", "sha256")
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    sha256: bytes
    def __init__(self, bytes: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class BackupResponse(_message.Message):
    __slots__ = ("code", "message", "header", "chunk", "trailer")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    header: BackupHeader
    chunk: bytes
    trailer: BackupTrailer
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., header: _Optional[_Union[BackupHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ..., trailer: _Optional[_Union[BackupTrailer, _Mapping]] = ...) -> None: ...

class RestoreRequest(_message.Message):
    __slots__ = ("header", "chunk", "trailer")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    TRAILER_FIELD_NUMBER: _ClassVar[int]
    header: BackupHeader
    chunk: bytes
    trailer: BackupTrailer
    def __init__(self, header: _Optional[_Union[BackupHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ..., trailer: _Optional[_Union[BackupTrailer, _Mapping]] = ...) -> None: ...

class RestoreResponse(_message.Message):
    __slots__ = ("code", "message", "generation", "zxid")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    generation: int
    zxid: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., generation: _Optional[int] = ..., zxid: _Optional[int] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("code", "message", "records", "snapshots", "problems")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOTS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    records: int
    snapshots: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., records: _Optional[int] = ..., snapshots: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class HashRequest(_message.Message):
    __slots__ = ("slot",)
    SLOT_FIELD_NUMBER: _ClassVar[int]
    slot: int
    def __init__(self, slot: _Optional[int] = ...) -> None: ...

class HashResponse(_message.Message):
    __slots__ = ("code", "message", "slot", "zxid", "digest_version", "digest")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    slot: int
    zxid: int
    digest_version: int
    digest: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., slot: _Optional[int] = ..., zxid: _Optional[int] = ..., digest_version: _Optional[int] = ..., digest: _Optional[int] = ...) -> None: ...

class SessionsRequest(_message.Message):
    __slots__ = ("session_id", "limit", "cursor")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    session_id: int
    limit: int
    cursor: bytes
    def __init__(self, session_id: _Optional[int] = ..., limit: _Optional[int] = ..., cursor: _Optional[bytes] = ...) -> None: ...

class SessionInfo(_message.Message):
    __slots__ = ("session_id", "identity", "timeout_ms", "attach", "last_seq", "ephemerals", "kept_reply_bytes", "replica_id", "renewed_ms_ago")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    EPHEMERALS_FIELD_NUMBER: _ClassVar[int]
    KEPT_REPLY_BYTES_FIELD_NUMBER: _ClassVar[int]
    REPLICA_ID_FIELD_NUMBER: _ClassVar[int]
    RENEWED_MS_AGO_FIELD_NUMBER: _ClassVar[int]
    session_id: int
    identity: str
    timeout_ms: int
    attach: int
    last_seq: int
    ephemerals: int
    kept_reply_bytes: int
    replica_id: int
    renewed_ms_ago: int
    def __init__(self, session_id: _Optional[int] = ..., identity: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., attach: _Optional[int] = ..., last_seq: _Optional[int] = ..., ephemerals: _Optional[int] = ..., kept_reply_bytes: _Optional[int] = ..., replica_id: _Optional[int] = ..., renewed_ms_ago: _Optional[int] = ...) -> None: ...

class SessionsResponse(_message.Message):
    __slots__ = ("code", "message", "sessions", "cursor")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    sessions: _containers.RepeatedCompositeFieldContainer[SessionInfo]
    cursor: bytes
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., sessions: _Optional[_Iterable[_Union[SessionInfo, _Mapping]]] = ..., cursor: _Optional[bytes] = ...) -> None: ...
