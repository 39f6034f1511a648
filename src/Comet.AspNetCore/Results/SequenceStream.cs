using System.Buffers;
using System.Threading.Channels;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Results;

/// <summary>
/// Writes one sequence to one connection. Messages that are ready together leave in one write. While none is ready, heartbeats are sent
/// and deadlines are checked.
/// </summary>
internal sealed class SequenceStream<T> : IHeartbeatHandler, IReportingStream, IDisposable
{
    // A source that is always ready is flushed this often, so that memory stays small and the client sees progress.
    private const int FlushAt = 16 * 1024;

    private readonly Channel<bool> _wake =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly CancellationTokenSource _ending;
    private readonly IAsyncEnumerable<T> _source;
    private readonly Action<T, IBufferWriter<byte>> _encode;
    private readonly ConnectionSettings _settings;
    private readonly ConnectionServices _services;
    private readonly HttpContext _context;
    private readonly ConnectionWriter _writer;
    private Task<bool>? _woken;
    private long _messages;

    internal SequenceStream(
        IAsyncEnumerable<T> source,
        Action<T, IBufferWriter<byte>> encode,
        ConnectionSettings settings,
        ConnectionServices services,
        HttpContext context)
    {
        (_source, _encode, _settings, _services, _context) = (source, encode, settings, services, context);
        _writer = new ConnectionWriter(new Connection(settings, services.Clock.Now), services, feeds: null);
        Path = context.Request.Path;
        _ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
    }

    // The request itself is its own task's only.
    public string Path { get; }

    public object? Holder => _settings.Lease.Holder;

    public long Messages => Volatile.Read(ref _messages);

    public ConnectionReport Report() => Connection.ReportAt(_services.Clock.Now);

    public void OnHeartbeat() => _wake.Writer.TryWrite(true);

    public void Dispose()
    {
        _writer.Dispose();
        _ending.Dispose();
    }

    private Connection Connection => _writer.Connection;

    internal async Task RunAsync()
    {
        using var abortion = _context.RequestAborted.UnsafeRegister(static state => ((IHeartbeatHandler)state!).OnHeartbeat(), this);
        var reason = EndReason.Error;
        try
        {
            _services.CountOpened(Connection, feed: null);
            RequestTelemetry.SetLongRunning(_context);
            _services.Heartbeat.Add(this);
            reason = await WriteElementsAsync();
            reason = await _writer.EndAsync(reason, SequencePosition.Ended);
        }
        finally
        {
            _services.Heartbeat.Remove(this);
            _services.CountEnded(Connection, feed: null, reason);
        }
        await _services.WriteDeadline.CompleteAsync(Connection);
    }

    private async Task<EndReason> WriteElementsAsync()
    {
        _writer.WriteHead(_settings);
        _writer.WriteControl(ControlMessage.Open(id: null, recovered: null, _settings.Heartbeat, _settings.Audience));
        IAsyncEnumerator<T>? elements = null;
        Task<bool>? next = null;
        try
        {
            elements = _source.GetAsyncEnumerator(_ending.Token);
            while (true)
            {
                next = elements.MoveNextAsync().AsTask();
                if (await WaitAsync(next) is { } ended)
                {
                    return ended;
                }
                var moved = next;
                next = null; // an exception in it is handled here, and not once more on release
                if (!await moved)
                {
                    return EndReason.Completed;
                }
                if (!TryWrite(elements.Current))
                {
                    return FailAt(SequencePosition.FailedAfter(_messages));
                }
                if (_writer.UnflushedBytes >= FlushAt)
                {
                    if (await _writer.FlushAsync() is { } endedByFlush)
                    {
                        return endedByFlush;
                    }
                    if (Connection.IsPoll)
                    {
                        return EndReason.Polled;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_context.RequestAborted.IsCancellationRequested)
        {
            return EndReason.ClientDisconnected;
        }
        catch (Exception exception)
        {
            LogFailure(exception);
            return EndReason.Error;
        }
        finally
        {
            await _ending.CancelAsync();
            await ReleaseAsync(elements, next, _services.Logger);
        }
    }

    private bool TryWrite(T element)
    {
        var value = ThreadBuffer.Rent();
        try
        {
            _encode(element, value);
        }
        catch (Exception exception)
        {
            LogFailure(exception);
            return false;
        }
        _writer.WriteMessage(value.WrittenSpan);
        ThreadBuffer.Return(value);
        _messages++;
        return true;
    }

    // A source that fails may do better when its client comes back; a value that was at the same place before will never be written.
    private EndReason FailAt(FeedPosition place)
    {
        if (_settings.Start?.Is(place) == true)
        {
            return EndReason.ErrorForGood;
        }
        _writer.WriteControl(ControlMessage.HeartbeatAt(place.ToString())); // no message, and nothing is missing before it
        return EndReason.Error;
    }

    private void LogFailure(Exception exception) =>
        CometLog.SourceFailed(_services.Logger, exception, Path, _context.TraceIdentifier);

    // Flushes what is written, and waits for the next element. Returns why the stream must end meanwhile, or null.
    private async ValueTask<EndReason?> WaitAsync(Task<bool> next)
    {
        if (!next.IsCompleted)
        {
            if (await _writer.FlushAsync() is { } ended)
            {
                return ended;
            }
            if (Connection.IsPoll && _messages > 0)
            {
                return EndReason.Polled;
            }
        }
        while (true)
        {
            if (_context.RequestAborted.IsCancellationRequested)
            {
                return EndReason.ClientDisconnected;
            }
            if (_services.DueEnd(Connection) is { } due)
            {
                return due;
            }
            if (next.IsCompleted)
            {
                return null;
            }
            if (Connection.IsHeartbeatDue(_services.Clock.Now))
            {
                _writer.WriteControl(ControlMessage.Heartbeat);
                if (await _writer.FlushAsync() is { } endedByHeartbeat)
                {
                    return endedByHeartbeat;
                }
            }
            _woken ??= _wake.Reader.WaitToReadAsync().AsTask();
            await Task.WhenAny(next, _woken);
            if (_woken.IsCompleted)
            {
                _woken = null;
                _wake.Reader.TryRead(out _);
            }
        }
    }

    // A source that ignores its token must not hold the request or the host: it is disposed when it returns, however late.
    private static async ValueTask ReleaseAsync(IAsyncEnumerator<T>? elements, Task<bool>? next, ILogger logger)
    {
        var release = ReleaseCoreAsync();
        if (next is null or { IsCompleted: true })
        {
            await release;
        }

        async Task ReleaseCoreAsync()
        {
            try
            {
                if (next is not null)
                {
                    await next;
                }
            }
            catch (OperationCanceledException)
            {
                // It was cancelled, as asked.
            }
            catch (Exception exception)
            {
                CometLog.SourceFailedLate(logger, exception);
            }
            try
            {
                if (elements is not null)
                {
                    await elements.DisposeAsync();
                }
            }
            catch (Exception exception)
            {
                CometLog.SourceFailedLate(logger, exception);
            }
        }
    }
}
