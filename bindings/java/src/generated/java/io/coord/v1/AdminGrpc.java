package io.coord.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Work on the cluster itself. Needs an identity that the configuration lists as an administrator;
 * others get PERMISSION_DENIED. Every answer carries a code, and a sentence where it is not OK.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AdminGrpc {

  private AdminGrpc() {}

  public static final java.lang.String SERVICE_NAME = "coord.v1.Admin";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.coord.v1.InitRequest,
      io.coord.v1.InitResponse> getInitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Init",
      requestType = io.coord.v1.InitRequest.class,
      responseType = io.coord.v1.InitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.InitRequest,
      io.coord.v1.InitResponse> getInitMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.InitRequest, io.coord.v1.InitResponse> getInitMethod;
    if ((getInitMethod = AdminGrpc.getInitMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getInitMethod = AdminGrpc.getInitMethod) == null) {
          AdminGrpc.getInitMethod = getInitMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.InitRequest, io.coord.v1.InitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Init"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.InitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.InitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Init"))
              .build();
        }
      }
    }
    return getInitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.StatusRequest,
      io.coord.v1.StatusResponse> getStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Status",
      requestType = io.coord.v1.StatusRequest.class,
      responseType = io.coord.v1.StatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.StatusRequest,
      io.coord.v1.StatusResponse> getStatusMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.StatusRequest, io.coord.v1.StatusResponse> getStatusMethod;
    if ((getStatusMethod = AdminGrpc.getStatusMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getStatusMethod = AdminGrpc.getStatusMethod) == null) {
          AdminGrpc.getStatusMethod = getStatusMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.StatusRequest, io.coord.v1.StatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Status"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.StatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.StatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Status"))
              .build();
        }
      }
    }
    return getStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.MembersRequest,
      io.coord.v1.MembersResponse> getMembersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Members",
      requestType = io.coord.v1.MembersRequest.class,
      responseType = io.coord.v1.MembersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.MembersRequest,
      io.coord.v1.MembersResponse> getMembersMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.MembersRequest, io.coord.v1.MembersResponse> getMembersMethod;
    if ((getMembersMethod = AdminGrpc.getMembersMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getMembersMethod = AdminGrpc.getMembersMethod) == null) {
          AdminGrpc.getMembersMethod = getMembersMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.MembersRequest, io.coord.v1.MembersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Members"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.MembersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.MembersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Members"))
              .build();
        }
      }
    }
    return getMembersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.ReconfigureRequest,
      io.coord.v1.ReconfigureResponse> getReconfigureMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Reconfigure",
      requestType = io.coord.v1.ReconfigureRequest.class,
      responseType = io.coord.v1.ReconfigureResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.ReconfigureRequest,
      io.coord.v1.ReconfigureResponse> getReconfigureMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.ReconfigureRequest, io.coord.v1.ReconfigureResponse> getReconfigureMethod;
    if ((getReconfigureMethod = AdminGrpc.getReconfigureMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getReconfigureMethod = AdminGrpc.getReconfigureMethod) == null) {
          AdminGrpc.getReconfigureMethod = getReconfigureMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.ReconfigureRequest, io.coord.v1.ReconfigureResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Reconfigure"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.ReconfigureRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.ReconfigureResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Reconfigure"))
              .build();
        }
      }
    }
    return getReconfigureMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.TransferLeadershipRequest,
      io.coord.v1.TransferLeadershipResponse> getTransferLeadershipMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TransferLeadership",
      requestType = io.coord.v1.TransferLeadershipRequest.class,
      responseType = io.coord.v1.TransferLeadershipResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.TransferLeadershipRequest,
      io.coord.v1.TransferLeadershipResponse> getTransferLeadershipMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.TransferLeadershipRequest, io.coord.v1.TransferLeadershipResponse> getTransferLeadershipMethod;
    if ((getTransferLeadershipMethod = AdminGrpc.getTransferLeadershipMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getTransferLeadershipMethod = AdminGrpc.getTransferLeadershipMethod) == null) {
          AdminGrpc.getTransferLeadershipMethod = getTransferLeadershipMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.TransferLeadershipRequest, io.coord.v1.TransferLeadershipResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TransferLeadership"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.TransferLeadershipRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.TransferLeadershipResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("TransferLeadership"))
              .build();
        }
      }
    }
    return getTransferLeadershipMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.DrainRequest,
      io.coord.v1.DrainResponse> getDrainMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Drain",
      requestType = io.coord.v1.DrainRequest.class,
      responseType = io.coord.v1.DrainResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.DrainRequest,
      io.coord.v1.DrainResponse> getDrainMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.DrainRequest, io.coord.v1.DrainResponse> getDrainMethod;
    if ((getDrainMethod = AdminGrpc.getDrainMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getDrainMethod = AdminGrpc.getDrainMethod) == null) {
          AdminGrpc.getDrainMethod = getDrainMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.DrainRequest, io.coord.v1.DrainResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Drain"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.DrainRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.DrainResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Drain"))
              .build();
        }
      }
    }
    return getDrainMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.BackupRequest,
      io.coord.v1.BackupResponse> getBackupMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Backup",
      requestType = io.coord.v1.BackupRequest.class,
      responseType = io.coord.v1.BackupResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.coord.v1.BackupRequest,
      io.coord.v1.BackupResponse> getBackupMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.BackupRequest, io.coord.v1.BackupResponse> getBackupMethod;
    if ((getBackupMethod = AdminGrpc.getBackupMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getBackupMethod = AdminGrpc.getBackupMethod) == null) {
          AdminGrpc.getBackupMethod = getBackupMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.BackupRequest, io.coord.v1.BackupResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Backup"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.BackupRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.BackupResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Backup"))
              .build();
        }
      }
    }
    return getBackupMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.RestoreRequest,
      io.coord.v1.RestoreResponse> getRestoreMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Restore",
      requestType = io.coord.v1.RestoreRequest.class,
      responseType = io.coord.v1.RestoreResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
  public static io.grpc.MethodDescriptor<io.coord.v1.RestoreRequest,
      io.coord.v1.RestoreResponse> getRestoreMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.RestoreRequest, io.coord.v1.RestoreResponse> getRestoreMethod;
    if ((getRestoreMethod = AdminGrpc.getRestoreMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getRestoreMethod = AdminGrpc.getRestoreMethod) == null) {
          AdminGrpc.getRestoreMethod = getRestoreMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.RestoreRequest, io.coord.v1.RestoreResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Restore"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.RestoreRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.RestoreResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Restore"))
              .build();
        }
      }
    }
    return getRestoreMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.VerifyRequest,
      io.coord.v1.VerifyResponse> getVerifyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Verify",
      requestType = io.coord.v1.VerifyRequest.class,
      responseType = io.coord.v1.VerifyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.VerifyRequest,
      io.coord.v1.VerifyResponse> getVerifyMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.VerifyRequest, io.coord.v1.VerifyResponse> getVerifyMethod;
    if ((getVerifyMethod = AdminGrpc.getVerifyMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getVerifyMethod = AdminGrpc.getVerifyMethod) == null) {
          AdminGrpc.getVerifyMethod = getVerifyMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.VerifyRequest, io.coord.v1.VerifyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Verify"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.VerifyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.VerifyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Verify"))
              .build();
        }
      }
    }
    return getVerifyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.HashRequest,
      io.coord.v1.HashResponse> getHashMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Hash",
      requestType = io.coord.v1.HashRequest.class,
      responseType = io.coord.v1.HashResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.HashRequest,
      io.coord.v1.HashResponse> getHashMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.HashRequest, io.coord.v1.HashResponse> getHashMethod;
    if ((getHashMethod = AdminGrpc.getHashMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getHashMethod = AdminGrpc.getHashMethod) == null) {
          AdminGrpc.getHashMethod = getHashMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.HashRequest, io.coord.v1.HashResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Hash"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.HashRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.HashResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Hash"))
              .build();
        }
      }
    }
    return getHashMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.SessionsRequest,
      io.coord.v1.SessionsResponse> getSessionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Sessions",
      requestType = io.coord.v1.SessionsRequest.class,
      responseType = io.coord.v1.SessionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.SessionsRequest,
      io.coord.v1.SessionsResponse> getSessionsMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.SessionsRequest, io.coord.v1.SessionsResponse> getSessionsMethod;
    if ((getSessionsMethod = AdminGrpc.getSessionsMethod) == null) {
      synchronized (AdminGrpc.class) {
        if ((getSessionsMethod = AdminGrpc.getSessionsMethod) == null) {
          AdminGrpc.getSessionsMethod = getSessionsMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.SessionsRequest, io.coord.v1.SessionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Sessions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.SessionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.SessionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminMethodDescriptorSupplier("Sessions"))
              .build();
        }
      }
    }
    return getSessionsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AdminStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminStub>() {
        @java.lang.Override
        public AdminStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminStub(channel, callOptions);
        }
      };
    return AdminStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AdminBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminBlockingV2Stub>() {
        @java.lang.Override
        public AdminBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminBlockingV2Stub(channel, callOptions);
        }
      };
    return AdminBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AdminBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminBlockingStub>() {
        @java.lang.Override
        public AdminBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminBlockingStub(channel, callOptions);
        }
      };
    return AdminBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AdminFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminFutureStub>() {
        @java.lang.Override
        public AdminFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminFutureStub(channel, callOptions);
        }
      };
    return AdminFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Work on the cluster itself. Needs an identity that the configuration lists as an administrator;
   * others get PERMISSION_DENIED. Every answer carries a code, and a sentence where it is not OK.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Gives birth to a cluster on one empty replica. ALREADY_BORN if it holds one.
     * </pre>
     */
    default void init(io.coord.v1.InitRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.InitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getInitMethod(), responseObserver);
    }

    /**
     * <pre>
     * What this replica knows about itself and the cluster. Works without a leader.
     * </pre>
     */
    default void status(io.coord.v1.StatusRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.StatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * The members of the newest configuration that this replica has applied.
     * </pre>
     */
    default void members(io.coord.v1.MembersRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.MembersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getMembersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes the membership by one step and answers when the change is active. BUSY while another
     * change is under way; INVALID_ARGUMENT if the step would lose the quorum.
     * </pre>
     */
    default void reconfigure(io.coord.v1.ReconfigureRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.ReconfigureResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReconfigureMethod(), responseObserver);
    }

    /**
     * <pre>
     * Hands leadership to another voter and answers when that one leads.
     * </pre>
     */
    default void transferLeadership(io.coord.v1.TransferLeadershipRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.TransferLeadershipResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getTransferLeadershipMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes this replica send its clients elsewhere and give up leadership, as before a restart.
     * </pre>
     */
    default void drain(io.coord.v1.DrainRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.DrainResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDrainMethod(), responseObserver);
    }

    /**
     * <pre>
     * A consistent copy of the whole state: one header, chunks, one trailer.
     * </pre>
     */
    default void backup(io.coord.v1.BackupRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.BackupResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBackupMethod(), responseObserver);
    }

    /**
     * <pre>
     * Replaces the state of a cluster by a backup, in a new generation: all sessions end.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.coord.v1.RestoreRequest> restore(
        io.grpc.stub.StreamObserver<io.coord.v1.RestoreResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getRestoreMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads this replica's data directory from end to end without changing it.
     * </pre>
     */
    default void verify(io.coord.v1.VerifyRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.VerifyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getVerifyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Digest of the state at a slot, to compare replicas by hand.
     * </pre>
     */
    default void hash(io.coord.v1.HashRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.HashResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getHashMethod(), responseObserver);
    }

    /**
     * <pre>
     * The sessions of the cluster, paged in the order of their ids.
     * </pre>
     */
    default void sessions(io.coord.v1.SessionsRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.SessionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSessionsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Admin.
   * <pre>
   * Work on the cluster itself. Needs an identity that the configuration lists as an administrator;
   * others get PERMISSION_DENIED. Every answer carries a code, and a sentence where it is not OK.
   * </pre>
   */
  public static abstract class AdminImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AdminGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Admin.
   * <pre>
   * Work on the cluster itself. Needs an identity that the configuration lists as an administrator;
   * others get PERMISSION_DENIED. Every answer carries a code, and a sentence where it is not OK.
   * </pre>
   */
  public static final class AdminStub
      extends io.grpc.stub.AbstractAsyncStub<AdminStub> {
    private AdminStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives birth to a cluster on one empty replica. ALREADY_BORN if it holds one.
     * </pre>
     */
    public void init(io.coord.v1.InitRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.InitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getInitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * What this replica knows about itself and the cluster. Works without a leader.
     * </pre>
     */
    public void status(io.coord.v1.StatusRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.StatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The members of the newest configuration that this replica has applied.
     * </pre>
     */
    public void members(io.coord.v1.MembersRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.MembersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getMembersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes the membership by one step and answers when the change is active. BUSY while another
     * change is under way; INVALID_ARGUMENT if the step would lose the quorum.
     * </pre>
     */
    public void reconfigure(io.coord.v1.ReconfigureRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.ReconfigureResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReconfigureMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Hands leadership to another voter and answers when that one leads.
     * </pre>
     */
    public void transferLeadership(io.coord.v1.TransferLeadershipRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.TransferLeadershipResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getTransferLeadershipMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes this replica send its clients elsewhere and give up leadership, as before a restart.
     * </pre>
     */
    public void drain(io.coord.v1.DrainRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.DrainResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDrainMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * A consistent copy of the whole state: one header, chunks, one trailer.
     * </pre>
     */
    public void backup(io.coord.v1.BackupRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.BackupResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getBackupMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Replaces the state of a cluster by a backup, in a new generation: all sessions end.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.coord.v1.RestoreRequest> restore(
        io.grpc.stub.StreamObserver<io.coord.v1.RestoreResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncClientStreamingCall(
          getChannel().newCall(getRestoreMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Reads this replica's data directory from end to end without changing it.
     * </pre>
     */
    public void verify(io.coord.v1.VerifyRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.VerifyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getVerifyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Digest of the state at a slot, to compare replicas by hand.
     * </pre>
     */
    public void hash(io.coord.v1.HashRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.HashResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getHashMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The sessions of the cluster, paged in the order of their ids.
     * </pre>
     */
    public void sessions(io.coord.v1.SessionsRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.SessionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSessionsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Admin.
   * <pre>
   * Work on the cluster itself. Needs an identity that the configuration lists as an administrator;
   * others get PERMISSION_DENIED. Every answer carries a code, and a sentence where it is not OK.
   * </pre>
   */
  public static final class AdminBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AdminBlockingV2Stub> {
    private AdminBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives birth to a cluster on one empty replica. ALREADY_BORN if it holds one.
     * </pre>
     */
    public io.coord.v1.InitResponse init(io.coord.v1.InitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getInitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * What this replica knows about itself and the cluster. Works without a leader.
     * </pre>
     */
    public io.coord.v1.StatusResponse status(io.coord.v1.StatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The members of the newest configuration that this replica has applied.
     * </pre>
     */
    public io.coord.v1.MembersResponse members(io.coord.v1.MembersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getMembersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the membership by one step and answers when the change is active. BUSY while another
     * change is under way; INVALID_ARGUMENT if the step would lose the quorum.
     * </pre>
     */
    public io.coord.v1.ReconfigureResponse reconfigure(io.coord.v1.ReconfigureRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReconfigureMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Hands leadership to another voter and answers when that one leads.
     * </pre>
     */
    public io.coord.v1.TransferLeadershipResponse transferLeadership(io.coord.v1.TransferLeadershipRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getTransferLeadershipMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes this replica send its clients elsewhere and give up leadership, as before a restart.
     * </pre>
     */
    public io.coord.v1.DrainResponse drain(io.coord.v1.DrainRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDrainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * A consistent copy of the whole state: one header, chunks, one trailer.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.coord.v1.BackupResponse>
        backup(io.coord.v1.BackupRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getBackupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces the state of a cluster by a backup, in a new generation: all sessions end.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.coord.v1.RestoreRequest, io.coord.v1.RestoreResponse>
        restore() {
      return io.grpc.stub.ClientCalls.blockingClientStreamingCall(
          getChannel(), getRestoreMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Reads this replica's data directory from end to end without changing it.
     * </pre>
     */
    public io.coord.v1.VerifyResponse verify(io.coord.v1.VerifyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getVerifyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Digest of the state at a slot, to compare replicas by hand.
     * </pre>
     */
    public io.coord.v1.HashResponse hash(io.coord.v1.HashRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getHashMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The sessions of the cluster, paged in the order of their ids.
     * </pre>
     */
    public io.coord.v1.SessionsResponse sessions(io.coord.v1.SessionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSessionsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Admin.
   * <pre>
   * Work on the cluster itself. Needs an identity that the configuration lists as an administrator;
   * others get PERMISSION_DENIED. Every answer carries a code, and a sentence where it is not OK.
   * </pre>
   */
  public static final class AdminBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AdminBlockingStub> {
    private AdminBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives birth to a cluster on one empty replica. ALREADY_BORN if it holds one.
     * </pre>
     */
    public io.coord.v1.InitResponse init(io.coord.v1.InitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getInitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * What this replica knows about itself and the cluster. Works without a leader.
     * </pre>
     */
    public io.coord.v1.StatusResponse status(io.coord.v1.StatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The members of the newest configuration that this replica has applied.
     * </pre>
     */
    public io.coord.v1.MembersResponse members(io.coord.v1.MembersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getMembersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the membership by one step and answers when the change is active. BUSY while another
     * change is under way; INVALID_ARGUMENT if the step would lose the quorum.
     * </pre>
     */
    public io.coord.v1.ReconfigureResponse reconfigure(io.coord.v1.ReconfigureRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReconfigureMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Hands leadership to another voter and answers when that one leads.
     * </pre>
     */
    public io.coord.v1.TransferLeadershipResponse transferLeadership(io.coord.v1.TransferLeadershipRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTransferLeadershipMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes this replica send its clients elsewhere and give up leadership, as before a restart.
     * </pre>
     */
    public io.coord.v1.DrainResponse drain(io.coord.v1.DrainRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDrainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * A consistent copy of the whole state: one header, chunks, one trailer.
     * </pre>
     */
    public java.util.Iterator<io.coord.v1.BackupResponse> backup(
        io.coord.v1.BackupRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getBackupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads this replica's data directory from end to end without changing it.
     * </pre>
     */
    public io.coord.v1.VerifyResponse verify(io.coord.v1.VerifyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getVerifyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Digest of the state at a slot, to compare replicas by hand.
     * </pre>
     */
    public io.coord.v1.HashResponse hash(io.coord.v1.HashRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getHashMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The sessions of the cluster, paged in the order of their ids.
     * </pre>
     */
    public io.coord.v1.SessionsResponse sessions(io.coord.v1.SessionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSessionsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Admin.
   * <pre>
   * Work on the cluster itself. Needs an identity that the configuration lists as an administrator;
   * others get PERMISSION_DENIED. Every answer carries a code, and a sentence where it is not OK.
   * </pre>
   */
  public static final class AdminFutureStub
      extends io.grpc.stub.AbstractFutureStub<AdminFutureStub> {
    private AdminFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gives birth to a cluster on one empty replica. ALREADY_BORN if it holds one.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.InitResponse> init(
        io.coord.v1.InitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getInitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * What this replica knows about itself and the cluster. Works without a leader.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.StatusResponse> status(
        io.coord.v1.StatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The members of the newest configuration that this replica has applied.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.MembersResponse> members(
        io.coord.v1.MembersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getMembersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes the membership by one step and answers when the change is active. BUSY while another
     * change is under way; INVALID_ARGUMENT if the step would lose the quorum.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.ReconfigureResponse> reconfigure(
        io.coord.v1.ReconfigureRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReconfigureMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Hands leadership to another voter and answers when that one leads.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.TransferLeadershipResponse> transferLeadership(
        io.coord.v1.TransferLeadershipRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getTransferLeadershipMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes this replica send its clients elsewhere and give up leadership, as before a restart.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.DrainResponse> drain(
        io.coord.v1.DrainRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDrainMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads this replica's data directory from end to end without changing it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.VerifyResponse> verify(
        io.coord.v1.VerifyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getVerifyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Digest of the state at a slot, to compare replicas by hand.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.HashResponse> hash(
        io.coord.v1.HashRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getHashMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The sessions of the cluster, paged in the order of their ids.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.SessionsResponse> sessions(
        io.coord.v1.SessionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSessionsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_INIT = 0;
  private static final int METHODID_STATUS = 1;
  private static final int METHODID_MEMBERS = 2;
  private static final int METHODID_RECONFIGURE = 3;
  private static final int METHODID_TRANSFER_LEADERSHIP = 4;
  private static final int METHODID_DRAIN = 5;
  private static final int METHODID_BACKUP = 6;
  private static final int METHODID_VERIFY = 7;
  private static final int METHODID_HASH = 8;
  private static final int METHODID_SESSIONS = 9;
  private static final int METHODID_RESTORE = 10;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_INIT:
          serviceImpl.init((io.coord.v1.InitRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.InitResponse>) responseObserver);
          break;
        case METHODID_STATUS:
          serviceImpl.status((io.coord.v1.StatusRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.StatusResponse>) responseObserver);
          break;
        case METHODID_MEMBERS:
          serviceImpl.members((io.coord.v1.MembersRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.MembersResponse>) responseObserver);
          break;
        case METHODID_RECONFIGURE:
          serviceImpl.reconfigure((io.coord.v1.ReconfigureRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.ReconfigureResponse>) responseObserver);
          break;
        case METHODID_TRANSFER_LEADERSHIP:
          serviceImpl.transferLeadership((io.coord.v1.TransferLeadershipRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.TransferLeadershipResponse>) responseObserver);
          break;
        case METHODID_DRAIN:
          serviceImpl.drain((io.coord.v1.DrainRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.DrainResponse>) responseObserver);
          break;
        case METHODID_BACKUP:
          serviceImpl.backup((io.coord.v1.BackupRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.BackupResponse>) responseObserver);
          break;
        case METHODID_VERIFY:
          serviceImpl.verify((io.coord.v1.VerifyRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.VerifyResponse>) responseObserver);
          break;
        case METHODID_HASH:
          serviceImpl.hash((io.coord.v1.HashRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.HashResponse>) responseObserver);
          break;
        case METHODID_SESSIONS:
          serviceImpl.sessions((io.coord.v1.SessionsRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.SessionsResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_RESTORE:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.restore(
              (io.grpc.stub.StreamObserver<io.coord.v1.RestoreResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getInitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.InitRequest,
              io.coord.v1.InitResponse>(
                service, METHODID_INIT)))
        .addMethod(
          getStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.StatusRequest,
              io.coord.v1.StatusResponse>(
                service, METHODID_STATUS)))
        .addMethod(
          getMembersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.MembersRequest,
              io.coord.v1.MembersResponse>(
                service, METHODID_MEMBERS)))
        .addMethod(
          getReconfigureMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.ReconfigureRequest,
              io.coord.v1.ReconfigureResponse>(
                service, METHODID_RECONFIGURE)))
        .addMethod(
          getTransferLeadershipMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.TransferLeadershipRequest,
              io.coord.v1.TransferLeadershipResponse>(
                service, METHODID_TRANSFER_LEADERSHIP)))
        .addMethod(
          getDrainMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.DrainRequest,
              io.coord.v1.DrainResponse>(
                service, METHODID_DRAIN)))
        .addMethod(
          getBackupMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.coord.v1.BackupRequest,
              io.coord.v1.BackupResponse>(
                service, METHODID_BACKUP)))
        .addMethod(
          getRestoreMethod(),
          io.grpc.stub.ServerCalls.asyncClientStreamingCall(
            new MethodHandlers<
              io.coord.v1.RestoreRequest,
              io.coord.v1.RestoreResponse>(
                service, METHODID_RESTORE)))
        .addMethod(
          getVerifyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.VerifyRequest,
              io.coord.v1.VerifyResponse>(
                service, METHODID_VERIFY)))
        .addMethod(
          getHashMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.HashRequest,
              io.coord.v1.HashResponse>(
                service, METHODID_HASH)))
        .addMethod(
          getSessionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.SessionsRequest,
              io.coord.v1.SessionsResponse>(
                service, METHODID_SESSIONS)))
        .build();
  }

  private static abstract class AdminBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AdminBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.coord.v1.CoordProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("Admin");
    }
  }

  private static final class AdminFileDescriptorSupplier
      extends AdminBaseDescriptorSupplier {
    AdminFileDescriptorSupplier() {}
  }

  private static final class AdminMethodDescriptorSupplier
      extends AdminBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AdminMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (AdminGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AdminFileDescriptorSupplier())
              .addMethod(getInitMethod())
              .addMethod(getStatusMethod())
              .addMethod(getMembersMethod())
              .addMethod(getReconfigureMethod())
              .addMethod(getTransferLeadershipMethod())
              .addMethod(getDrainMethod())
              .addMethod(getBackupMethod())
              .addMethod(getRestoreMethod())
              .addMethod(getVerifyMethod())
              .addMethod(getHashMethod())
              .addMethod(getSessionsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
