using System.Diagnostics.Metrics;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Hosting;

/// <summary>
/// What the streams of the debug page use in place of the app's: limits, deadlines and metrics of their own. So they are in nothing that
/// the page shows, take no place of the app's, and do not wait for its drain. Made when the page is first asked for a stream.
/// </summary>
internal sealed class DebugPageServices : IDisposable
{
    private readonly ConnectionServices _own;
    private readonly CometMetrics _metrics = new(new OwnMeter());

    public DebugPageServices(ConnectionServices app, IHostApplicationLifetime host)
    {
        var options = new OptionsWrapper<CometOptions>(new() { ReconnectSpread = TimeSpan.FromSeconds(1) });
        var (open, delay) = (new OpenStreams(), new ReconnectDelay(options));
        var heartbeat = new ConnectionHeartbeat(app.Clock);
        var shutdown = new ConnectionShutdown(options, open, app.Clock, heartbeat, host);
        _own = app with
        {
            Acceptor = new(options, new ConnectionLimits(options, open, delay), shutdown, delay, app.Clock.Time),
            Heartbeat = heartbeat,
            Shutdown = shutdown,
            WriteDeadline = new(options, app.Clock, shutdown),
            ReconnectDelay = delay,
            Metrics = _metrics,
        };
    }

    /// <summary>The services of a request for a stream of the page.</summary>
    internal IServiceProvider Of(IServiceProvider request) => new OfRequest(request, this);

    public void Dispose()
    {
        _own.Shutdown.Dispose();
        _own.Heartbeat.Dispose();
    }

    private sealed class OfRequest(IServiceProvider request, DebugPageServices page) : IServiceProvider
    {
        public object? GetService(Type serviceType) =>
            serviceType == typeof(ConnectionServices) ? page._own
            : serviceType == typeof(CometMetrics) ? page._metrics
            : request.GetService(serviceType);
    }

    // Of another name, so that no listener has the page's streams among the app's.
    private sealed class OwnMeter : IMeterFactory
    {
        private readonly Meter _meter = new("Comet.AspNetCore.DebugPage");

        public Meter Create(MeterOptions options) => _meter;

        public void Dispose() => _meter.Dispose();
    }
}
