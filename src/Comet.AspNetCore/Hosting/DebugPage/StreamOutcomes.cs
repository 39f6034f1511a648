using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Comet.AspNetCore.Diagnostics;

namespace Comet.AspNetCore.Hosting;

/// <summary>
/// How streams ended, why requests got none, and which feeds had slow clients: counted from the app's metrics while somebody has the debug
/// page open, and kept for who opens it again.
/// </summary>
internal sealed class StreamOutcomes(IMeterFactory meters, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Reason, string? Feed, string Format), DebugEnd> _ended = [];
    private readonly Dictionary<string, DebugRejection> _rejected = [];
    private readonly Dictionary<string, DebugWait> _slow = [];
    private MeterListener? _listener;
    private int _readers;
    private DateTimeOffset? _since;

    /// <summary>Counts until the result is disposed.</summary>
    internal IDisposable Listen()
    {
        lock (_lock)
        {
            _since ??= time.GetUtcNow();
            if (++_readers > 1)
            {
                return new Listening(this);
            }
            _listener = new MeterListener
            {
                InstrumentPublished = (instrument, listener) =>
                {
                    if (instrument.Meter.Scope == meters &&
                        instrument is
                        {
                            Meter.Name: CometMetrics.MeterName,
                            Name: CometMetrics.Duration or CometMetrics.RequestsRejected or CometMetrics.Lag,
                        })
                    {
                        listener.EnableMeasurementEvents(instrument);
                    }
                },
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument.Name, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Count(instrument.Name, value, tags));
            _listener.Start();
            return new Listening(this);
        }
    }

    /// <summary>What was counted, the latest first.</summary>
    internal DebugOutcomes Read()
    {
        lock (_lock)
        {
            return new DebugOutcomes(
                _since ?? time.GetUtcNow(),
                [.. _ended.Values.OrderByDescending(static end => end.LastAt)],
                [.. _rejected.Values.OrderByDescending(static rejection => rejection.LastAt)],
                [.. _slow.Values.OrderByDescending(static wait => wait.LastAt)]);
        }
    }

    public void Dispose() => _listener?.Dispose();

    private void Count(string instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string? reason = null, feed = null, format = null;
        foreach (var (name, tag) in tags)
        {
            switch (name)
            {
                case CometMetrics.EndReasonTag or CometMetrics.RejectionReasonTag:
                    reason = (string?)tag;
                    break;
                case CometMetrics.FeedTag:
                    feed = (string?)tag;
                    break;
                case CometMetrics.FormatTag:
                    format = (string?)tag;
                    break;
            }
        }
        var now = time.GetUtcNow();
        lock (_lock)
        {
            switch (instrument)
            {
                case CometMetrics.Duration:
                    ref var end = ref CollectionsMarshal.GetValueRefOrAddDefault(_ended, (reason!, feed, format!), out _);
                    end = new(reason!, feed, format!, (end?.Count ?? 0) + 1, now, value);
                    break;
                case CometMetrics.RequestsRejected:
                    ref var rejection = ref CollectionsMarshal.GetValueRefOrAddDefault(_rejected, reason!, out _);
                    rejection = new(reason!, (rejection?.Count ?? 0) + 1, now);
                    break;
                case CometMetrics.Lag:
                    ref var wait = ref CollectionsMarshal.GetValueRefOrAddDefault(_slow, feed!, out _);
                    wait = new(feed!, (wait?.Count ?? 0) + 1, Math.Max(wait?.Most ?? 0, value), now);
                    break;
            }
        }
    }

    private void Release()
    {
        lock (_lock)
        {
            if (--_readers == 0)
            {
                _listener!.Dispose();
                _listener = null;
            }
        }
    }

    private sealed class Listening(StreamOutcomes outcomes) : IDisposable
    {
        public void Dispose() => outcomes.Release();
    }
}
