using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Transport;

/// <summary>Kestrel's socket transport, with each connection's output replaced by a <see cref="SocketWriter"/>.</summary>
internal sealed class DirectTransportFactory(SocketTransportFactory sockets, IOptions<CometServerOptions> options) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = await sockets.BindAsync(endpoint, cancellationToken);
        return options.Value.DirectTransport && !OperatingSystem.IsWindows() ? new Listener(listener) : listener;
    }

    /// <summary>Takes the place of Kestrel's socket transport, where that is what the app uses.</summary>
    internal static void AddTo(IServiceCollection services)
    {
        var sockets = services.LastOrDefault(service => service.ServiceType == typeof(IConnectionListenerFactory));
        if (sockets?.ImplementationType == typeof(SocketTransportFactory))
        {
            services.Remove(sockets);
            services.AddSingleton<SocketTransportFactory>();
            services.AddSingleton<IConnectionListenerFactory, DirectTransportFactory>();
        }
    }

    private sealed class Listener(IConnectionListener inner) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            var connection = await inner.AcceptAsync(cancellationToken);
            if (connection?.Features.Get<IConnectionSocketFeature>() is { } feature)
            {
                connection.Transport = new SocketWriter(feature.Socket, connection.Transport);
            }
            return connection;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
