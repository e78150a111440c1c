from coord.v1 import admin_pb2 as _admin_pb2
from coord.v1 import operations_pb2 as _operations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union
from coord.v1.admin_pb2 import InitRequest as InitRequest
from coord.v1.admin_pb2 import InitResponse as InitResponse
from coord.v1.admin_pb2 import Member as Member
from coord.v1.admin_pb2 import StatusRequest as StatusRequest
from coord.v1.admin_pb2 import StatusResponse as StatusResponse
from coord.v1.admin_pb2 import MembersRequest as MembersRequest
from coord.v1.admin_pb2 import MembersResponse as MembersResponse
from coord.v1.admin_pb2 import ReconfigureRequest as ReconfigureRequest
from coord.v1.admin_pb2 import AddMember as AddMember
from coord.v1.admin_pb2 import RemoveMember as RemoveMember
from coord.v1.admin_pb2 import PromoteMember as PromoteMember
from coord.v1.admin_pb2 import ReconfigureResponse as ReconfigureResponse
from coord.v1.admin_pb2 import TransferLeadershipRequest as TransferLeadershipRequest
from coord.v1.admin_pb2 import TransferLeadershipResponse as TransferLeadershipResponse
from coord.v1.admin_pb2 import DrainRequest as DrainRequest
from coord.v1.admin_pb2 import DrainResponse as DrainResponse
from coord.v1.admin_pb2 import BackupRequest as BackupRequest
from coord.v1.admin_pb2 import BackupHeader as BackupHeader
from coord.v1.admin_pb2 import BackupTrailer as BackupTrailer
from coord.v1.admin_pb2 import BackupResponse as BackupResponse
from coord.v1.admin_pb2 import RestoreRequest as RestoreRequest
from coord.v1.admin_pb2 import RestoreResponse as RestoreResponse
from coord.v1.admin_pb2 import VerifyRequest as VerifyRequest
from coord.v1.admin_pb2 import VerifyResponse as VerifyResponse
from coord.v1.admin_pb2 import HashRequest as HashRequest
from coord.v1.admin_pb2 import HashResponse as HashResponse
from coord.v1.admin_pb2 import SessionsRequest as SessionsRequest
from coord.v1.admin_pb2 import SessionInfo as SessionInfo
from coord.v1.admin_pb2 import SessionsResponse as SessionsResponse
from coord.v1.admin_pb2 import MemberRole as MemberRole
from coord.v1.admin_pb2 import ReplicaState as ReplicaState
from coord.v1.operations_pb2 import Stat as Stat
from coord.v1.operations_pb2 import Version as Version
from coord.v1.operations_pb2 import Held as Held
from coord.v1.operations_pb2 import AclEntry as AclEntry
from coord.v1.operations_pb2 import Acl as Acl
from coord.v1.operations_pb2 import CreateRequest as CreateRequest
from coord.v1.operations_pb2 import CreateResult as CreateResult
from coord.v1.operations_pb2 import SetRequest as SetRequest
from coord.v1.operations_pb2 import SetResult as SetResult
from coord.v1.operations_pb2 import DeleteRequest as DeleteRequest
from coord.v1.operations_pb2 import DeleteResult as DeleteResult
from coord.v1.operations_pb2 import TxnRequest as TxnRequest
from coord.v1.operations_pb2 import Compare as Compare
from coord.v1.operations_pb2 import TxnOp as TxnOp
from coord.v1.operations_pb2 import CheckRequest as CheckRequest
from coord.v1.operations_pb2 import CheckResult as CheckResult
from coord.v1.operations_pb2 import TxnResult as TxnResult
from coord.v1.operations_pb2 import TxnOpResult as TxnOpResult
from coord.v1.operations_pb2 import IncrementRequest as IncrementRequest
from coord.v1.operations_pb2 import IncrementResult as IncrementResult
from coord.v1.operations_pb2 import SetAclRequest as SetAclRequest
from coord.v1.operations_pb2 import SetAclResult as SetAclResult
from coord.v1.operations_pb2 import Quota as Quota
from coord.v1.operations_pb2 import SetQuotaRequest as SetQuotaRequest
from coord.v1.operations_pb2 import SetQuotaResult as SetQuotaResult
from coord.v1.operations_pb2 import GetRequest as GetRequest
from coord.v1.operations_pb2 import GetResult as GetResult
from coord.v1.operations_pb2 import ExistsRequest as ExistsRequest
from coord.v1.operations_pb2 import ExistsResult as ExistsResult
from coord.v1.operations_pb2 import ChildrenRequest as ChildrenRequest
from coord.v1.operations_pb2 import Child as Child
from coord.v1.operations_pb2 import ChildrenResult as ChildrenResult
from coord.v1.operations_pb2 import ListRequest as ListRequest
from coord.v1.operations_pb2 import Node as Node
from coord.v1.operations_pb2 import ListResult as ListResult
from coord.v1.operations_pb2 import CountRequest as CountRequest
from coord.v1.operations_pb2 import CountResult as CountResult
from coord.v1.operations_pb2 import GetAclRequest as GetAclRequest
from coord.v1.operations_pb2 import GetAclResult as GetAclResult
from coord.v1.operations_pb2 import GetQuotaRequest as GetQuotaRequest
from coord.v1.operations_pb2 import GetQuotaResult as GetQuotaResult
from coord.v1.operations_pb2 import EphemeralsRequest as EphemeralsRequest
from coord.v1.operations_pb2 import EphemeralsResult as EphemeralsResult
from coord.v1.operations_pb2 import ChangedSinceRequest as ChangedSinceRequest
from coord.v1.operations_pb2 import ChangedNode as ChangedNode
from coord.v1.operations_pb2 import ChangedSinceResult as ChangedSinceResult
from coord.v1.operations_pb2 import SyncRequest as SyncRequest
from coord.v1.operations_pb2 import SyncResult as SyncResult
from coord.v1.operations_pb2 import WhoAmIRequest as WhoAmIRequest
from coord.v1.operations_pb2 import WhoAmIResult as WhoAmIResult
from coord.v1.operations_pb2 import OutcomeOfRequest as OutcomeOfRequest
from coord.v1.operations_pb2 import OutcomeOfResult as OutcomeOfResult
from coord.v1.operations_pb2 import WatchRequest as WatchRequest
from coord.v1.operations_pb2 import TreeWatch as TreeWatch
from coord.v1.operations_pb2 import QueueFrontWatch as QueueFrontWatch
from coord.v1.operations_pb2 import CreatedNode as CreatedNode
from coord.v1.operations_pb2 import WatchResult as WatchResult
from coord.v1.operations_pb2 import UnwatchRequest as UnwatchRequest
from coord.v1.operations_pb2 import UnwatchResult as UnwatchResult
from coord.v1.operations_pb2 import OpenSession as OpenSession
from coord.v1.operations_pb2 import ResumeSession as ResumeSession
from coord.v1.operations_pb2 import SetTimeoutRequest as SetTimeoutRequest
from coord.v1.operations_pb2 import SetTimeoutResult as SetTimeoutResult
from coord.v1.operations_pb2 import ForgetRequest as ForgetRequest
from coord.v1.operations_pb2 import ForgetResult as ForgetResult
from coord.v1.operations_pb2 import CloseRequest as CloseRequest
from coord.v1.operations_pb2 import CloseResult as CloseResult
from coord.v1.operations_pb2 import Code as Code
from coord.v1.operations_pb2 import NodeKind as NodeKind
from coord.v1.operations_pb2 import Permission as Permission
from coord.v1.operations_pb2 import Relation as Relation
from coord.v1.operations_pb2 import WatchScope as WatchScope
from coord.v1.operations_pb2 import EventKind as EventKind

DESCRIPTOR: _descriptor.FileDescriptor
MEMBER_ROLE_UNSPECIFIED: _admin_pb2.MemberRole
MEMBER_ROLE_VOTER: _admin_pb2.MemberRole
MEMBER_ROLE_LEARNER: _admin_pb2.MemberRole
MEMBER_ROLE_OBSERVER: _admin_pb2.MemberRole
REPLICA_STATE_UNSPECIFIED: _admin_pb2.ReplicaState
REPLICA_STATE_EMPTY: _admin_pb2.ReplicaState
REPLICA_STATE_LEARNER: _admin_pb2.ReplicaState
REPLICA_STATE_FOLLOWER: _admin_pb2.ReplicaState
REPLICA_STATE_CANDIDATE: _admin_pb2.ReplicaState
REPLICA_STATE_LEADER: _admin_pb2.ReplicaState
REPLICA_STATE_FENCED: _admin_pb2.ReplicaState
CODE_OK: _operations_pb2.Code
CODE_INVALID_ARGUMENT: _operations_pb2.Code
CODE_NO_NODE: _operations_pb2.Code
CODE_NODE_EXISTS: _operations_pb2.Code
CODE_NO_PARENT: _operations_pb2.Code
CODE_NOT_EMPTY: _operations_pb2.Code
CODE_BAD_VERSION: _operations_pb2.Code
CODE_NO_CHILDREN_FOR_EPHEMERALS: _operations_pb2.Code
CODE_COMPARE_FAILED: _operations_pb2.Code
CODE_TOO_LARGE: _operations_pb2.Code
CODE_TOO_MANY: _operations_pb2.Code
CODE_PERMISSION_DENIED: _operations_pb2.Code
CODE_UNIMPLEMENTED: _operations_pb2.Code
CODE_NO_LEADER: _operations_pb2.Code
CODE_BUSY: _operations_pb2.Code
CODE_OUTCOME_UNKNOWN: _operations_pb2.Code
CODE_NOT_APPLIED: _operations_pb2.Code
CODE_SESSION_EXPIRED: _operations_pb2.Code
CODE_SESSION_MOVED: _operations_pb2.Code
CODE_SESSION_REFUSED: _operations_pb2.Code
CODE_SEQ_CONFLICT: _operations_pb2.Code
CODE_CURSOR_EXPIRED: _operations_pb2.Code
CODE_WRONG_CLUSTER: _operations_pb2.Code
CODE_NOT_BORN: _operations_pb2.Code
CODE_ALREADY_BORN: _operations_pb2.Code
CODE_SHUTTING_DOWN: _operations_pb2.Code
CODE_NOT_HELD: _operations_pb2.Code
CODE_NOT_A_NUMBER: _operations_pb2.Code
CODE_ROOT_FIXED: _operations_pb2.Code
CODE_BEHIND: _operations_pb2.Code
CODE_LIMIT_TIME: _operations_pb2.Code
NODE_KIND_PERSISTENT: _operations_pb2.NodeKind
NODE_KIND_EPHEMERAL: _operations_pb2.NodeKind
NODE_KIND_CONTAINER: _operations_pb2.NodeKind
NODE_KIND_TTL: _operations_pb2.NodeKind
PERMISSION_UNSPECIFIED: _operations_pb2.Permission
PERMISSION_READ: _operations_pb2.Permission
PERMISSION_WRITE: _operations_pb2.Permission
PERMISSION_CREATE: _operations_pb2.Permission
PERMISSION_DELETE: _operations_pb2.Permission
PERMISSION_ADMIN: _operations_pb2.Permission
RELATION_EQUAL: _operations_pb2.Relation
RELATION_NOT_EQUAL: _operations_pb2.Relation
RELATION_LESS: _operations_pb2.Relation
RELATION_GREATER: _operations_pb2.Relation
WATCH_SCOPE_NODE: _operations_pb2.WatchScope
WATCH_SCOPE_CHILDREN: _operations_pb2.WatchScope
WATCH_SCOPE_SUBTREE: _operations_pb2.WatchScope
EVENT_KIND_UNSPECIFIED: _operations_pb2.EventKind
EVENT_KIND_CREATED: _operations_pb2.EventKind
EVENT_KIND_DELETED: _operations_pb2.EventKind
EVENT_KIND_CHANGED: _operations_pb2.EventKind
EVENT_KIND_ACL_CHANGED: _operations_pb2.EventKind

class ReadLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    READ_LEVEL_LINEARIZABLE: _ClassVar[ReadLevel]
    READ_LEVEL_SESSION: _ClassVar[ReadLevel]
    READ_LEVEL_AT_LEAST: _ClassVar[ReadLevel]

class QueueState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUEUE_STATE_UNSPECIFIED: _ClassVar[QueueState]
    QUEUE_STATE_WAITING: _ClassVar[QueueState]
    QUEUE_STATE_FRONT: _ClassVar[QueueState]
    QUEUE_STATE_GONE: _ClassVar[QueueState]
READ_LEVEL_LINEARIZABLE: ReadLevel
READ_LEVEL_SESSION: ReadLevel
READ_LEVEL_AT_LEAST: ReadLevel
QUEUE_STATE_UNSPECIFIED: QueueState
QUEUE_STATE_WAITING: QueueState
QUEUE_STATE_FRONT: QueueState
QUEUE_STATE_GONE: QueueState

class ClientFrame(_message.Message):
    __slots__ = ("number", "hello", "requests", "reply_mark", "rearm_done")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REPLY_MARK_FIELD_NUMBER: _ClassVar[int]
    REARM_DONE_FIELD_NUMBER: _ClassVar[int]
    number: int
    hello: Hello
    requests: _containers.RepeatedCompositeFieldContainer[Request]
    reply_mark: int
    rearm_done: bool
    def __init__(self, number: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., requests: _Optional[_Iterable[_Union[Request, _Mapping]]] = ..., reply_mark: _Optional[int] = ..., rearm_done: bool = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("cluster_id", "generation", "last_seen_zxid", "features", "client", "open", "resume")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_ZXID_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    cluster_id: bytes
    generation: int
    last_seen_zxid: int
    features: int
    client: str
    open: _operations_pb2.OpenSession
    resume: _operations_pb2.ResumeSession
    def __init__(self, cluster_id: _Optional[bytes] = ..., generation: _Optional[int] = ..., last_seen_zxid: _Optional[int] = ..., features: _Optional[int] = ..., client: _Optional[str] = ..., open: _Optional[_Union[_operations_pb2.OpenSession, _Mapping]] = ..., resume: _Optional[_Union[_operations_pb2.ResumeSession, _Mapping]] = ...) -> None: ...

class ServerFrame(_message.Message):
    __slots__ = ("welcome", "items", "confirmed", "complete_to", "applied_zxid", "more")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_TO_FIELD_NUMBER: _ClassVar[int]
    APPLIED_ZXID_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    items: _containers.RepeatedCompositeFieldContainer[Item]
    confirmed: int
    complete_to: int
    applied_zxid: int
    more: bool
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., confirmed: _Optional[int] = ..., complete_to: _Optional[int] = ..., applied_zxid: _Optional[int] = ..., more: bool = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("code", "message", "cluster_id", "generation", "replica_id", "leader_id", "features", "server", "identity", "limits", "session_id", "attach", "timeout_ms", "last_seq")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    REPLICA_ID_FIELD_NUMBER: _ClassVar[int]
    LEADER_ID_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    cluster_id: bytes
    generation: int
    replica_id: int
    leader_id: int
    features: int
    server: str
    identity: str
    limits: Limits
    session_id: int
    attach: int
    timeout_ms: int
    last_seq: int
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., cluster_id: _Optional[bytes] = ..., generation: _Optional[int] = ..., replica_id: _Optional[int] = ..., leader_id: _Optional[int] = ..., features: _Optional[int] = ..., server: _Optional[str] = ..., identity: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., session_id: _Optional[int] = ..., attach: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., last_seq: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("frame_bytes", "frame_requests", "path_bytes", "data_bytes", "txn_bytes", "txn_compares", "txn_ops", "page_entries", "page_bytes", "acl_entries", "watches", "queue_prefixes", "unacked_writes", "kept_reply_bytes", "waiting_reads", "atomic_nodes", "session_timeout_min_ms", "session_timeout_default_ms", "session_timeout_max_ms", "ttl_max_ms")
    FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    FRAME_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    PATH_BYTES_FIELD_NUMBER: _ClassVar[int]
    DATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    TXN_BYTES_FIELD_NUMBER: _ClassVar[int]
    TXN_COMPARES_FIELD_NUMBER: _ClassVar[int]
    TXN_OPS_FIELD_NUMBER: _ClassVar[int]
    PAGE_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    PAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ACL_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    WATCHES_FIELD_NUMBER: _ClassVar[int]
    QUEUE_PREFIXES_FIELD_NUMBER: _ClassVar[int]
    UNACKED_WRITES_FIELD_NUMBER: _ClassVar[int]
    KEPT_REPLY_BYTES_FIELD_NUMBER: _ClassVar[int]
    WAITING_READS_FIELD_NUMBER: _ClassVar[int]
    ATOMIC_NODES_FIELD_NUMBER: _ClassVar[int]
    SESSION_TIMEOUT_MIN_MS_FIELD_NUMBER: _ClassVar[int]
    SESSION_TIMEOUT_DEFAULT_MS_FIELD_NUMBER: _ClassVar[int]
    SESSION_TIMEOUT_MAX_MS_FIELD_NUMBER: _ClassVar[int]
    TTL_MAX_MS_FIELD_NUMBER: _ClassVar[int]
    frame_bytes: int
    frame_requests: int
    path_bytes: int
    data_bytes: int
    txn_bytes: int
    txn_compares: int
    txn_ops: int
    page_entries: int
    page_bytes: int
    acl_entries: int
    watches: int
    queue_prefixes: int
    unacked_writes: int
    kept_reply_bytes: int
    waiting_reads: int
    atomic_nodes: int
    session_timeout_min_ms: int
    session_timeout_default_ms: int
    session_timeout_max_ms: int
    ttl_max_ms: int
    def __init__(self, frame_bytes: _Optional[int] = ..., frame_requests: _Optional[int] = ..., path_bytes: _Optional[int] = ..., data_bytes: _Optional[int] = ..., txn_bytes: _Optional[int] = ..., txn_compares: _Optional[int] = ..., txn_ops: _Optional[int] = ..., page_entries: _Optional[int] = ..., page_bytes: _Optional[int] = ..., acl_entries: _Optional[int] = ..., watches: _Optional[int] = ..., queue_prefixes: _Optional[int] = ..., unacked_writes: _Optional[int] = ..., kept_reply_bytes: _Optional[int] = ..., waiting_reads: _Optional[int] = ..., atomic_nodes: _Optional[int] = ..., session_timeout_min_ms: _Optional[int] = ..., session_timeout_default_ms: _Optional[int] = ..., session_timeout_max_ms: _Optional[int] = ..., ttl_max_ms: _Optional[int] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("reply", "event", "queue_front", "lagged", "resync", "bookmark", "no_leader", "go_away")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FRONT_FIELD_NUMBER: _ClassVar[int]
    LAGGED_FIELD_NUMBER: _ClassVar[int]
    RESYNC_FIELD_NUMBER: _ClassVar[int]
    BOOKMARK_FIELD_NUMBER: _ClassVar[int]
    NO_LEADER_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    reply: Reply
    event: Event
    queue_front: QueueFront
    lagged: Lagged
    resync: Resync
    bookmark: Bookmark
    no_leader: NoLeader
    go_away: GoAway
    def __init__(self, reply: _Optional[_Union[Reply, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., queue_front: _Optional[_Union[QueueFront, _Mapping]] = ..., lagged: _Optional[_Union[Lagged, _Mapping]] = ..., resync: _Optional[_Union[Resync, _Mapping]] = ..., bookmark: _Optional[_Union[Bookmark, _Mapping]] = ..., no_leader: _Optional[_Union[NoLeader, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ...) -> None: ...

class Request(_message.Message):
    __slots__ = ("id", "seq", "after_seq", "level", "at_least_zxid", "wait_ms", "if_held", "create", "set", "delete", "txn", "increment", "set_acl", "set_quota", "get", "exists", "children", "list", "count", "get_acl", "get_quota", "ephemerals", "changed_since", "sync", "who_am_i", "outcome_of", "watch", "unwatch", "set_timeout", "forget", "close")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_ZXID_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    IF_HELD_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    TXN_FIELD_NUMBER: _ClassVar[int]
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    SET_ACL_FIELD_NUMBER: _ClassVar[int]
    SET_QUOTA_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    GET_ACL_FIELD_NUMBER: _ClassVar[int]
    GET_QUOTA_FIELD_NUMBER: _ClassVar[int]
    EPHEMERALS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_SINCE_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    WHO_AM_I_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_OF_FIELD_NUMBER: _ClassVar[int]
    WATCH_FIELD_NUMBER: _ClassVar[int]
    UNWATCH_FIELD_NUMBER: _ClassVar[int]
    SET_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    id: int
    seq: int
    after_seq: int
    level: ReadLevel
    at_least_zxid: int
    wait_ms: int
    if_held: _operations_pb2.Held
    create: _operations_pb2.CreateRequest
    set: _operations_pb2.SetRequest
    delete: _operations_pb2.DeleteRequest
    txn: _operations_pb2.TxnRequest
    increment: _operations_pb2.IncrementRequest
    set_acl: _operations_pb2.SetAclRequest
    set_quota: _operations_pb2.SetQuotaRequest
    get: _operations_pb2.GetRequest
    exists: _operations_pb2.ExistsRequest
    children: _operations_pb2.ChildrenRequest
    list: _operations_pb2.ListRequest
    count: _operations_pb2.CountRequest
    get_acl: _operations_pb2.GetAclRequest
    get_quota: _operations_pb2.GetQuotaRequest
    ephemerals: _operations_pb2.EphemeralsRequest
    changed_since: _operations_pb2.ChangedSinceRequest
    sync: _operations_pb2.SyncRequest
    who_am_i: _operations_pb2.WhoAmIRequest
    outcome_of: _operations_pb2.OutcomeOfRequest
    watch: _operations_pb2.WatchRequest
    unwatch: _operations_pb2.UnwatchRequest
    set_timeout: _operations_pb2.SetTimeoutRequest
    forget: _operations_pb2.ForgetRequest
    close: _operations_pb2.CloseRequest
    def __init__(self, id: _Optional[int] = ..., seq: _Optional[int] = ..., after_seq: _Optional[int] = ..., level: _Optional[_Union[ReadLevel, str]] = ..., at_least_zxid: _Optional[int] = ..., wait_ms: _Optional[int] = ..., if_held: _Optional[_Union[_operations_pb2.Held, _Mapping]] = ..., create: _Optional[_Union[_operations_pb2.CreateRequest, _Mapping]] = ..., set: _Optional[_Union[_operations_pb2.SetRequest, _Mapping]] = ..., delete: _Optional[_Union[_operations_pb2.DeleteRequest, _Mapping]] = ..., txn: _Optional[_Union[_operations_pb2.TxnRequest, _Mapping]] = ..., increment: _Optional[_Union[_operations_pb2.IncrementRequest, _Mapping]] = ..., set_acl: _Optional[_Union[_operations_pb2.SetAclRequest, _Mapping]] = ..., set_quota: _Optional[_Union[_operations_pb2.SetQuotaRequest, _Mapping]] = ..., get: _Optional[_Union[_operations_pb2.GetRequest, _Mapping]] = ..., exists: _Optional[_Union[_operations_pb2.ExistsRequest, _Mapping]] = ..., children: _Optional[_Union[_operations_pb2.ChildrenRequest, _Mapping]] = ..., list: _Optional[_Union[_operations_pb2.ListRequest, _Mapping]] = ..., count: _Optional[_Union[_operations_pb2.CountRequest, _Mapping]] = ..., get_acl: _Optional[_Union[_operations_pb2.GetAclRequest, _Mapping]] = ..., get_quota: _Optional[_Union[_operations_pb2.GetQuotaRequest, _Mapping]] = ..., ephemerals: _Optional[_Union[_operations_pb2.EphemeralsRequest, _Mapping]] = ..., changed_since: _Optional[_Union[_operations_pb2.ChangedSinceRequest, _Mapping]] = ..., sync: _Optional[_Union[_operations_pb2.SyncRequest, _Mapping]] = ..., who_am_i: _Optional[_Union[_operations_pb2.WhoAmIRequest, _Mapping]] = ..., outcome_of: _Optional[_Union[_operations_pb2.OutcomeOfRequest, _Mapping]] = ..., watch: _Optional[_Union[_operations_pb2.WatchRequest, _Mapping]] = ..., unwatch: _Optional[_Union[_operations_pb2.UnwatchRequest, _Mapping]] = ..., set_timeout: _Optional[_Union[_operations_pb2.SetTimeoutRequest, _Mapping]] = ..., forget: _Optional[_Union[_operations_pb2.ForgetRequest, _Mapping]] = ..., close: _Optional[_Union[_operations_pb2.CloseRequest, _Mapping]] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("id", "code", "message", "zxid", "create", "set", "delete", "txn", "increment", "get", "exists", "children", "set_acl", "set_quota", "list", "count", "get_acl", "get_quota", "ephemerals", "changed_since", "sync", "who_am_i", "outcome_of", "watch", "unwatch", "set_timeout", "forget", "close")
    ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    TXN_FIELD_NUMBER: _ClassVar[int]
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    SET_ACL_FIELD_NUMBER: _ClassVar[int]
    SET_QUOTA_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    GET_ACL_FIELD_NUMBER: _ClassVar[int]
    GET_QUOTA_FIELD_NUMBER: _ClassVar[int]
    EPHEMERALS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_SINCE_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    WHO_AM_I_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_OF_FIELD_NUMBER: _ClassVar[int]
    WATCH_FIELD_NUMBER: _ClassVar[int]
    UNWATCH_FIELD_NUMBER: _ClassVar[int]
    SET_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    id: int
    code: _operations_pb2.Code
    message: str
    zxid: int
    create: _operations_pb2.CreateResult
    set: _operations_pb2.SetResult
    delete: _operations_pb2.DeleteResult
    txn: _operations_pb2.TxnResult
    increment: _operations_pb2.IncrementResult
    get: _operations_pb2.GetResult
    exists: _operations_pb2.ExistsResult
    children: _operations_pb2.ChildrenResult
    set_acl: _operations_pb2.SetAclResult
    set_quota: _operations_pb2.SetQuotaResult
    list: _operations_pb2.ListResult
    count: _operations_pb2.CountResult
    get_acl: _operations_pb2.GetAclResult
    get_quota: _operations_pb2.GetQuotaResult
    ephemerals: _operations_pb2.EphemeralsResult
    changed_since: _operations_pb2.ChangedSinceResult
    sync: _operations_pb2.SyncResult
    who_am_i: _operations_pb2.WhoAmIResult
    outcome_of: _operations_pb2.OutcomeOfResult
    watch: _operations_pb2.WatchResult
    unwatch: _operations_pb2.UnwatchResult
    set_timeout: _operations_pb2.SetTimeoutResult
    forget: _operations_pb2.ForgetResult
    close: _operations_pb2.CloseResult
    def __init__(self, id: _Optional[int] = ..., code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., zxid: _Optional[int] = ..., create: _Optional[_Union[_operations_pb2.CreateResult, _Mapping]] = ..., set: _Optional[_Union[_operations_pb2.SetResult, _Mapping]] = ..., delete: _Optional[_Union[_operations_pb2.DeleteResult, _Mapping]] = ..., txn: _Optional[_Union[_operations_pb2.TxnResult, _Mapping]] = ..., increment: _Optional[_Union[_operations_pb2.IncrementResult, _Mapping]] = ..., get: _Optional[_Union[_operations_pb2.GetResult, _Mapping]] = ..., exists: _Optional[_Union[_operations_pb2.ExistsResult, _Mapping]] = ..., children: _Optional[_Union[_operations_pb2.ChildrenResult, _Mapping]] = ..., set_acl: _Optional[_Union[_operations_pb2.SetAclResult, _Mapping]] = ..., set_quota: _Optional[_Union[_operations_pb2.SetQuotaResult, _Mapping]] = ..., list: _Optional[_Union[_operations_pb2.ListResult, _Mapping]] = ..., count: _Optional[_Union[_operations_pb2.CountResult, _Mapping]] = ..., get_acl: _Optional[_Union[_operations_pb2.GetAclResult, _Mapping]] = ..., get_quota: _Optional[_Union[_operations_pb2.GetQuotaResult, _Mapping]] = ..., ephemerals: _Optional[_Union[_operations_pb2.EphemeralsResult, _Mapping]] = ..., changed_since: _Optional[_Union[_operations_pb2.ChangedSinceResult, _Mapping]] = ..., sync: _Optional[_Union[_operations_pb2.SyncResult, _Mapping]] = ..., who_am_i: _Optional[_Union[_operations_pb2.WhoAmIResult, _Mapping]] = ..., outcome_of: _Optional[_Union[_operations_pb2.OutcomeOfResult, _Mapping]] = ..., watch: _Optional[_Union[_operations_pb2.WatchResult, _Mapping]] = ..., unwatch: _Optional[_Union[_operations_pb2.UnwatchResult, _Mapping]] = ..., set_timeout: _Optional[_Union[_operations_pb2.SetTimeoutResult, _Mapping]] = ..., forget: _Optional[_Union[_operations_pb2.ForgetResult, _Mapping]] = ..., close: _Optional[_Union[_operations_pb2.CloseResult, _Mapping]] = ...) -> None: ...

class CallRequest(_message.Message):
    __slots__ = ("request", "key")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    request: Request
    key: bytes
    def __init__(self, request: _Optional[_Union[Request, _Mapping]] = ..., key: _Optional[bytes] = ...) -> None: ...

class CallResponse(_message.Message):
    __slots__ = ("reply", "cluster_id", "generation")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    reply: Reply
    cluster_id: bytes
    generation: int
    def __init__(self, reply: _Optional[_Union[Reply, _Mapping]] = ..., cluster_id: _Optional[bytes] = ..., generation: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("zxid", "kind", "path", "stat", "data", "previous_data", "watch_ids")
    ZXID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    STAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_DATA_FIELD_NUMBER: _ClassVar[int]
    WATCH_IDS_FIELD_NUMBER: _ClassVar[int]
    zxid: int
    kind: _operations_pb2.EventKind
    path: str
    stat: _operations_pb2.Stat
    data: bytes
    previous_data: bytes
    watch_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, zxid: _Optional[int] = ..., kind: _Optional[_Union[_operations_pb2.EventKind, str]] = ..., path: _Optional[str] = ..., stat: _Optional[_Union[_operations_pb2.Stat, _Mapping]] = ..., data: _Optional[bytes] = ..., previous_data: _Optional[bytes] = ..., watch_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class QueueFront(_message.Message):
    __slots__ = ("watch_id", "state", "zxid", "fence", "path")
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ZXID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    watch_id: int
    state: QueueState
    zxid: int
    fence: int
    path: str
    def __init__(self, watch_id: _Optional[int] = ..., state: _Optional[_Union[QueueState, str]] = ..., zxid: _Optional[int] = ..., fence: _Optional[int] = ..., path: _Optional[str] = ...) -> None: ...

class Lagged(_message.Message):
    __slots__ = ("watch_ids", "after_zxid")
    WATCH_IDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_ZXID_FIELD_NUMBER: _ClassVar[int]
    watch_ids: _containers.RepeatedScalarFieldContainer[int]
    after_zxid: int
    def __init__(self, watch_ids: _Optional[_Iterable[int]] = ..., after_zxid: _Optional[int] = ...) -> None: ...

class Resync(_message.Message):
    __slots__ = ("watch_ids", "complete_from_zxid")
    WATCH_IDS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FROM_ZXID_FIELD_NUMBER: _ClassVar[int]
    watch_ids: _containers.RepeatedScalarFieldContainer[int]
    complete_from_zxid: int
    def __init__(self, watch_ids: _Optional[_Iterable[int]] = ..., complete_from_zxid: _Optional[int] = ...) -> None: ...

class Bookmark(_message.Message):
    __slots__ = ("zxid",)
    ZXID_FIELD_NUMBER: _ClassVar[int]
    zxid: int
    def __init__(self, zxid: _Optional[int] = ...) -> None: ...

class NoLeader(_message.Message):
    __slots__ = ("since_ms",)
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    since_ms: int
    def __init__(self, since_ms: _Optional[int] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("code", "message", "endpoints")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    code: _operations_pb2.Code
    message: str
    endpoints: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, code: _Optional[_Union[_operations_pb2.Code, str]] = ..., message: _Optional[str] = ..., endpoints: _Optional[_Iterable[str]] = ...) -> None: ...
