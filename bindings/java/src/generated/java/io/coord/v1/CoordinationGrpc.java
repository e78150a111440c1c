package io.coord.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Everything that works with the tree. Mutual TLS is required; the identity is taken from the
 * client's certificate (SAN URI, else SAN DNS, else CN).
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class CoordinationGrpc {

  private CoordinationGrpc() {}

  public static final java.lang.String SERVICE_NAME = "coord.v1.Coordination";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.coord.v1.ClientFrame,
      io.coord.v1.ServerFrame> getSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Session",
      requestType = io.coord.v1.ClientFrame.class,
      responseType = io.coord.v1.ServerFrame.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.coord.v1.ClientFrame,
      io.coord.v1.ServerFrame> getSessionMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.ClientFrame, io.coord.v1.ServerFrame> getSessionMethod;
    if ((getSessionMethod = CoordinationGrpc.getSessionMethod) == null) {
      synchronized (CoordinationGrpc.class) {
        if ((getSessionMethod = CoordinationGrpc.getSessionMethod) == null) {
          CoordinationGrpc.getSessionMethod = getSessionMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.ClientFrame, io.coord.v1.ServerFrame>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Session"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.ClientFrame.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.ServerFrame.getDefaultInstance()))
              .setSchemaDescriptor(new CoordinationMethodDescriptorSupplier("Session"))
              .build();
        }
      }
    }
    return getSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.coord.v1.CallRequest,
      io.coord.v1.CallResponse> getCallMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Call",
      requestType = io.coord.v1.CallRequest.class,
      responseType = io.coord.v1.CallResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.coord.v1.CallRequest,
      io.coord.v1.CallResponse> getCallMethod() {
    io.grpc.MethodDescriptor<io.coord.v1.CallRequest, io.coord.v1.CallResponse> getCallMethod;
    if ((getCallMethod = CoordinationGrpc.getCallMethod) == null) {
      synchronized (CoordinationGrpc.class) {
        if ((getCallMethod = CoordinationGrpc.getCallMethod) == null) {
          CoordinationGrpc.getCallMethod = getCallMethod =
              io.grpc.MethodDescriptor.<io.coord.v1.CallRequest, io.coord.v1.CallResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Call"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.CallRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.coord.v1.CallResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CoordinationMethodDescriptorSupplier("Call"))
              .build();
        }
      }
    }
    return getCallMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static CoordinationStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CoordinationStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CoordinationStub>() {
        @java.lang.Override
        public CoordinationStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CoordinationStub(channel, callOptions);
        }
      };
    return CoordinationStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static CoordinationBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CoordinationBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CoordinationBlockingV2Stub>() {
        @java.lang.Override
        public CoordinationBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CoordinationBlockingV2Stub(channel, callOptions);
        }
      };
    return CoordinationBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static CoordinationBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CoordinationBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CoordinationBlockingStub>() {
        @java.lang.Override
        public CoordinationBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CoordinationBlockingStub(channel, callOptions);
        }
      };
    return CoordinationBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static CoordinationFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CoordinationFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CoordinationFutureStub>() {
        @java.lang.Override
        public CoordinationFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CoordinationFutureStub(channel, callOptions);
        }
      };
    return CoordinationFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Everything that works with the tree. Mutual TLS is required; the identity is taken from the
   * client's certificate (SAN URI, else SAN DNS, else CN).
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * One client on one stream: requests, heartbeats, replies and events. The stream ends with gRPC
     * status INVALID_ARGUMENT after a frame that does not decode, RESOURCE_EXHAUSTED when the client
     * reads too slowly, UNAVAILABLE when the replica stops; the session, if there is one, lives on.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.coord.v1.ClientFrame> session(
        io.grpc.stub.StreamObserver<io.coord.v1.ServerFrame> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * One operation without a session. The gRPC status is OK whenever there is a Reply.
     * </pre>
     */
    default void call(io.coord.v1.CallRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.CallResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCallMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service Coordination.
   * <pre>
   * Everything that works with the tree. Mutual TLS is required; the identity is taken from the
   * client's certificate (SAN URI, else SAN DNS, else CN).
   * </pre>
   */
  public static abstract class CoordinationImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return CoordinationGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service Coordination.
   * <pre>
   * Everything that works with the tree. Mutual TLS is required; the identity is taken from the
   * client's certificate (SAN URI, else SAN DNS, else CN).
   * </pre>
   */
  public static final class CoordinationStub
      extends io.grpc.stub.AbstractAsyncStub<CoordinationStub> {
    private CoordinationStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CoordinationStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CoordinationStub(channel, callOptions);
    }

    /**
     * <pre>
     * One client on one stream: requests, heartbeats, replies and events. The stream ends with gRPC
     * status INVALID_ARGUMENT after a frame that does not decode, RESOURCE_EXHAUSTED when the client
     * reads too slowly, UNAVAILABLE when the replica stops; the session, if there is one, lives on.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.coord.v1.ClientFrame> session(
        io.grpc.stub.StreamObserver<io.coord.v1.ServerFrame> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getSessionMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * One operation without a session. The gRPC status is OK whenever there is a Reply.
     * </pre>
     */
    public void call(io.coord.v1.CallRequest request,
        io.grpc.stub.StreamObserver<io.coord.v1.CallResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCallMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service Coordination.
   * <pre>
   * Everything that works with the tree. Mutual TLS is required; the identity is taken from the
   * client's certificate (SAN URI, else SAN DNS, else CN).
   * </pre>
   */
  public static final class CoordinationBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<CoordinationBlockingV2Stub> {
    private CoordinationBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CoordinationBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CoordinationBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * One client on one stream: requests, heartbeats, replies and events. The stream ends with gRPC
     * status INVALID_ARGUMENT after a frame that does not decode, RESOURCE_EXHAUSTED when the client
     * reads too slowly, UNAVAILABLE when the replica stops; the session, if there is one, lives on.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.coord.v1.ClientFrame, io.coord.v1.ServerFrame>
        session() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getSessionMethod(), getCallOptions());
    }

    /**
     * <pre>
     * One operation without a session. The gRPC status is OK whenever there is a Reply.
     * </pre>
     */
    public io.coord.v1.CallResponse call(io.coord.v1.CallRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCallMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service Coordination.
   * <pre>
   * Everything that works with the tree. Mutual TLS is required; the identity is taken from the
   * client's certificate (SAN URI, else SAN DNS, else CN).
   * </pre>
   */
  public static final class CoordinationBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<CoordinationBlockingStub> {
    private CoordinationBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CoordinationBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CoordinationBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * One operation without a session. The gRPC status is OK whenever there is a Reply.
     * </pre>
     */
    public io.coord.v1.CallResponse call(io.coord.v1.CallRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCallMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service Coordination.
   * <pre>
   * Everything that works with the tree. Mutual TLS is required; the identity is taken from the
   * client's certificate (SAN URI, else SAN DNS, else CN).
   * </pre>
   */
  public static final class CoordinationFutureStub
      extends io.grpc.stub.AbstractFutureStub<CoordinationFutureStub> {
    private CoordinationFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CoordinationFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CoordinationFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * One operation without a session. The gRPC status is OK whenever there is a Reply.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.coord.v1.CallResponse> call(
        io.coord.v1.CallRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCallMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CALL = 0;
  private static final int METHODID_SESSION = 1;

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
        case METHODID_CALL:
          serviceImpl.call((io.coord.v1.CallRequest) request,
              (io.grpc.stub.StreamObserver<io.coord.v1.CallResponse>) responseObserver);
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
        case METHODID_SESSION:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.session(
              (io.grpc.stub.StreamObserver<io.coord.v1.ServerFrame>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getSessionMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.coord.v1.ClientFrame,
              io.coord.v1.ServerFrame>(
                service, METHODID_SESSION)))
        .addMethod(
          getCallMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.coord.v1.CallRequest,
              io.coord.v1.CallResponse>(
                service, METHODID_CALL)))
        .build();
  }

  private static abstract class CoordinationBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    CoordinationBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.coord.v1.CoordProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("Coordination");
    }
  }

  private static final class CoordinationFileDescriptorSupplier
      extends CoordinationBaseDescriptorSupplier {
    CoordinationFileDescriptorSupplier() {}
  }

  private static final class CoordinationMethodDescriptorSupplier
      extends CoordinationBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    CoordinationMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (CoordinationGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new CoordinationFileDescriptorSupplier())
              .addMethod(getSessionMethod())
              .addMethod(getCallMethod())
              .build();
        }
      }
    }
    return result;
  }
}
