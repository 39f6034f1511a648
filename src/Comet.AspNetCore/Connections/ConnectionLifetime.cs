using System.Collections.Concurrent;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>Ticks whatever has open streams, and ends all of them when the host stops: at once, or spread over the drain time.</summary>
internal sealed class ConnectionLifetime : IHostedLifecycleService, IDisposable
{
    // An expired cookie ends its stream within a second; the streams themselves are quiet in between.
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<IHeartbeatHandler, byte> _ticked = new();
    private readonly CometOptions _options;
    private readonly CancellationTokenSource _cut = new();
    private readonly CancellationTokenRegistration _stopping;
    private readonly ITimer _timer;
    private long _stoppingAt = long.MaxValue;
    private readonly OpenStreams _open;

    public ConnectionLifetime(IOptions<CometOptions> options, OpenStreams open, IHostApplicationLifetime host, TimeProvider time)
    {
        _open = open;
        _options = options.Value;
        Clock = new MonotonicClock(time);
        _timer = time.CreateTimer(static state => ((ConnectionLifetime)state!).OnTimer(), this, Period, Period);
        _stopping = host.ApplicationStopping.Register(Stop);
    }

    internal MonotonicClock Clock { get; }

    internal bool IsStopping => Volatile.Read(ref _stoppingAt) != long.MaxValue;

    internal void Add(IHeartbeatHandler ticked) => _ticked.TryAdd(ticked, 0);

    internal void Remove(IHeartbeatHandler ticked) => _ticked.TryRemove(ticked, out _);

    /// <summary>Fires when the drain time of a host that stops has passed: what still waits for a client or a store ends now.</summary>
    internal CancellationToken Cut => _cut.Token;

    /// <summary>Why a stream must end now, or <see cref="EndReason.None"/>.</summary>
    internal EndReason DueEnd(Connection stream)
    {
        var stoppingAt = Volatile.Read(ref _stoppingAt);
        if (stoppingAt != long.MaxValue && !stream.IsStopping)
        {
            stream.IsStopping = true;
            stream.EndBy(
                stoppingAt + (long)(_options.Drain.TotalMilliseconds * Random.Shared.NextDouble()),
                StopReason);
        }
        return stream.DueEnd(Clock.Now);
    }

    /// <summary>A time to come back after, different for each stream.</summary>
    internal TimeSpan Retry() => _options.ReconnectSpread * (0.05 + (0.95 * Random.Shared.NextDouble()));

    /// <summary>Writes, and cuts a connection that takes nothing until the write deadline, or while the host stops.</summary>
    /// <returns>Why the stream has ended, or <see cref="EndReason.None"/>.</returns>
    internal ValueTask<EndReason> WriteAsync(Connection stream, FrameBuffer block) => AwaitAsync(stream, stream.WriteAsync(block, Clock.Now));

    /// <summary>Ends the body, within the same limits.</summary>
    internal ValueTask<EndReason> CompleteAsync(Connection stream) => AwaitAsync(stream, stream.CompleteAsync());

    // The host waits here, and the server goes on answering, until the last stream was told; new ones are refused meanwhile.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Stop();
        var deadline = Clock.Now + (long)_options.Drain.TotalMilliseconds + 1_000;
        while (_open.Count > 0 && Clock.Now < deadline && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _stopping.Dispose();
        _timer.Dispose(); // and not _cut: a tick may be under way
    }

    private void Stop()
    {
        Interlocked.CompareExchange(ref _stoppingAt, Clock.Now, long.MaxValue);
        OnTimer();
    }

    private ValueTask<EndReason> AwaitAsync(Connection stream, ValueTask<bool> write) =>
        write.IsCompletedSuccessfully ? new(ReasonOf(write.Result)) : AwaitSlowAsync(stream, write.AsTask());

    private async ValueTask<EndReason> AwaitSlowAsync(Connection stream, Task<bool> write)
    {
        while (true)
        {
            try
            {
                return ReasonOf(await write.WaitAsync(_options.WriteTimeout, Clock.Time, Cut));
            }
            catch (TimeoutException) when (stream.HasProgressed())
            {
                // It is slow, and takes what it can.
            }
            catch (TimeoutException)
            {
                return await CutAsync(stream, write, EndReason.TooSlow); // it takes nothing, so it cannot be told
            }
            catch (OperationCanceledException) when (Cut.IsCancellationRequested && !write.IsCompleted)
            {
                return await CutAsync(stream, write, StopReason);
            }
            catch (Exception exception) when (ResponseWriter.IsConnectionLoss(exception))
            {
                return EndReason.ClientDisconnected;
            }
        }
    }

    // Kestrel closes a TLS connection by a write of its own, and must not find ours under way.
    private static async ValueTask<EndReason> CutAsync(Connection stream, Task write, EndReason reason)
    {
        stream.Abort();
        await write.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return reason;
    }

    /// <summary>Why streams end while the host stops.</summary>
    internal EndReason StopReason => _options.Drain > TimeSpan.Zero ? EndReason.Draining : EndReason.ShuttingDown;

    private static EndReason ReasonOf(bool written) => written ? EndReason.None : EndReason.ClientDisconnected;

    private void OnTimer()
    {
        var stoppingAt = Volatile.Read(ref _stoppingAt);
        if (stoppingAt != long.MaxValue && Clock.Now - stoppingAt >= _options.Drain.TotalMilliseconds)
        {
            _cut.Cancel();
        }
        foreach (var (ticked, _) in _ticked)
        {
            ticked.OnHeartbeat();
        }
    }
}
