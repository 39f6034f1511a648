using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Comet.AspNetCore;

/// <summary>Registers the transport of Comet streams.</summary>
public static class CometWebHostBuilderExtensions
{
    /// <summary>
    /// Lets streams over HTTP/1.1 write past Kestrel, on Linux and macOS: to their socket at once, which costs a third less per message,
    /// and by TLS to what encrypts, which costs a seventh less. All other streams, and all of them without this call, are written through
    /// the response's body.
    /// On Linux, a stream of feeds without TLS then leaves the server: its request ends as soon as the client has caught up, and the
    /// connection goes on without Kestrel, whose limits no longer count it; those of <see cref="CometOptions"/> do. An idle one costs
    /// 0.5 KB instead of 10.
    /// Also lets the system end every connection whose peer has vanished without a word, on Linux within three heartbeats of the next write
    /// (or within <see cref="CometOptions.WriteTimeout"/>, if that is longer); elsewhere only where nothing is being sent.
    /// </summary>
    /// <remarks>Kestrel takes the transport that was added last: call this after <c>UseSockets</c>, if the app calls that.</remarks>
    /// <param name="builder">The app's web host: <c>builder.WebHost</c>. Servers other than Kestrel are not touched.</param>
    /// <returns>The same builder. On Windows nothing is added.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IWebHostBuilder UseCometTransport(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return OperatingSystem.IsWindows() ? builder : builder.ConfigureServices(services =>
        {
            services.TryAddSingleton<SocketTransportFactory>();
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, CometTransportFactory>());
        });
    }
}
