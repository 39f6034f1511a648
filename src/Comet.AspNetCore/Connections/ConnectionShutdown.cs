using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>Ends all streams when the host stops: at once, or spread over the drain time.</summary>
internal sealed class ConnectionShutdown : IHostedLifecycleService, IHeartbeatHandler, IDisposable
{
    private const long NotStopping = long.MaxValue;

    private readonly OpenStreams _open;
    private readonly MonotonicClock _clock;
    private readonly ConnectionHeartbeat _heartbeat;
    private readonly long _drain; // milliseconds
    private readonly CancellationTokenSource _drainEnded = new();
    private readonly CancellationTokenRegistration _stopping;
    private long _stoppingAt = NotStopping;

    public ConnectionShutdown(
        IOptions<CometOptions> options,
        OpenStreams open,
        MonotonicClock clock,
        ConnectionHeartbeat heartbeat,
        IHostApplicationLifetime host)
    {
        (_open, _clock, _heartbeat) = (open, clock, heartbeat);
        _drain = (long)options.Value.Drain.TotalMilliseconds;
        _stopping = host.ApplicationStopping.Register(Stop);
    }

    internal bool IsStopping => Volatile.Read(ref _stoppingAt) != NotStopping;

    /// <summary>Why streams end while the host stops.</summary>
    internal EndReason Reason => _drain > 0 ? EndReason.Draining : EndReason.ShuttingDown;

    /// <summary>Cancelled when the drain time of a host that stops has passed: what still waits for a client or a store ends now.</summary>
    internal CancellationToken DrainEnded => _drainEnded.Token;

    /// <summary>When a connection ends because the host stops, in milliseconds of the clock: never while it does not stop.</summary>
    internal long EndOf(Connection connection)
    {
        var stoppingAt = Volatile.Read(ref _stoppingAt);
        return stoppingAt == NotStopping ? NotStopping : stoppingAt + (long)(_drain * connection.DrainShare);
    }

    public long OnHeartbeat()
    {
        if (IsStopping && _clock.Now - Volatile.Read(ref _stoppingAt) >= _drain)
        {
            _drainEnded.Cancel();
        }
        return IHeartbeatHandler.NextBeat;
    }

    // The host waits here until the last stream was told. The server goes on answering meanwhile, and rejects new streams.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Stop();
        var deadline = _clock.Now + _drain + 1_000;
        while (_open.Count > 0 && _clock.Now < deadline && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Not the token's source: a heartbeat may be under way.
    public void Dispose() => _stopping.Dispose();

    private void Stop()
    {
        if (Interlocked.CompareExchange(ref _stoppingAt, _clock.Now, NotStopping) == NotStopping)
        {
            _heartbeat.Add(this);
        }
        _heartbeat.BeatForAll();
    }
}
