using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// Kestrel's socket transport, with connections that streams can take over, and with an end to connections whose peer has vanished.
/// </summary>
internal sealed class CometTransportFactory(SocketTransportFactory sockets, IOptions<CometOptions> options, bool detaches)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly PeerTimeout _peerTimeout = new(options.Value);

    public CometTransportFactory(SocketTransportFactory sockets, IOptions<CometOptions> options)
        : this(sockets, options, detaches: SocketWatch.Shared is not null)
    {
    }

    public bool CanBind(EndPoint endpoint) => sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await sockets.BindAsync(endpoint, cancellationToken), _peerTimeout, detaches);

    private sealed class Listener(IConnectionListener inner, PeerTimeout peerTimeout, bool detaches) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            var connection = await inner.AcceptAsync(cancellationToken);
            if (connection?.Features.Get<IConnectionSocketFeature>() is { } feature)
            {
                peerTimeout.ApplyTo(feature.Socket);
                return new DetachableConnection(connection, feature.Socket, detaches);
            }
            return connection;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
