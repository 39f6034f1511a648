using System.Buffers;
using System.Threading.Channels;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Results;

/// <summary>
/// Writes one sequence to one connection. Messages that are ready together leave in one flush; while none is ready, heartbeats do,
/// and the stream's deadlines are kept.
/// </summary>
internal sealed class SequenceStream<T> : IHeartbeatHandler, IDisposable
{
    // A source that is always ready is flushed this often, so that memory stays small and the client sees progress.
    private const int FlushAt = 16 * 1024;

    private readonly FrameBuffer _block = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ending;
    private readonly IAsyncEnumerable<T> _source;
    private readonly Action<T, IBufferWriter<byte>> _encode;
    private readonly ArrayBufferWriter<byte> _value = new();
    private readonly ConnectionSettings _opening;
    private readonly ConnectionLifetime _lifetime;
    private readonly CometMetrics _metrics;
    private readonly HttpContext _context;
    private readonly Connection _stream;
    private Task<bool>? _woken;
    private int _messages;

    internal SequenceStream(
        IAsyncEnumerable<T> source,
        Action<T, IBufferWriter<byte>> encode,
        ConnectionSettings opening,
        ConnectionLifetime lifetime,
        CometMetrics metrics,
        HttpContext context)
    {
        (_source, _encode, _opening, _lifetime, _metrics, _context) = (source, encode, opening, lifetime, metrics, context);
        _stream = new Connection(opening, lifetime.Clock.Now);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
    }

    private long Now => _lifetime.Clock.Now;

    public void OnHeartbeat() => _wake.Writer.TryWrite(true);

    public void Dispose()
    {
        _block.Dispose();
        _ending.Dispose();
    }

    internal async Task RunAsync(ILogger logger)
    {
        _lifetime.Add(this);
        _metrics.StreamOpened(_stream.Format, feed: null);
        using var gone = _context.RequestAborted.UnsafeRegister(static state => ((IHeartbeatHandler)state!).OnHeartbeat(), this);
        var reason = EndReason.ClientDisconnected;
        try
        {
            reason = await PumpAsync(logger);
            if (reason is not (EndReason.ClientDisconnected or EndReason.TooSlow))
            {
                _stream.Format.WriteControl(_block, ControlMessage.End(reason, reason == EndReason.Completed ? null : _lifetime.Retry()));
                await FlushAsync();
            }
        }
        finally
        {
            _lifetime.Remove(this);
            _metrics.StreamEnded(_stream.Format, feed: null, reason, _stream.AgeAt(Now));
        }
        await _lifetime.CompleteAsync(_stream);
    }

    private async Task<EndReason> PumpAsync(ILogger logger)
    {
        _stream.Format.WriteHead(_block, _opening.Padding, _opening.InitialChunk);
        _stream.Format.WriteControl(_block, new ControlMessage("open") { HeartbeatMilliseconds = (long)_opening.Heartbeat.TotalMilliseconds });
        IAsyncEnumerator<T>? elements = null;
        Task<bool>? next = null;
        try
        {
            elements = _source.GetAsyncEnumerator(_ending.Token);
            while (true)
            {
                next = elements.MoveNextAsync().AsTask();
                var ended = await WaitAsync(next);
                if (ended != EndReason.None)
                {
                    return ended;
                }
                var moved = next;
                next = null; // whatever it holds is dealt with here, and not once more on release
                if (!await moved)
                {
                    return EndReason.Completed;
                }
                _value.ResetWrittenCount();
                _encode(elements.Current, _value);
                _stream.Format.WriteMessage(_block, _value.WrittenSpan, idPrefix: default, offset: 0);
                _messages++;
                if (_block.Length >= FlushAt && await FlushAsync() is not EndReason.None and var cut)
                {
                    return cut;
                }
            }
        }
        catch (OperationCanceledException) when (_context.RequestAborted.IsCancellationRequested)
        {
            return EndReason.ClientDisconnected;
        }
        catch (Exception exception)
        {
            CometLog.SourceFailed(logger, exception, _context.Request.Path, _context.TraceIdentifier);
            return EndReason.Error;
        }
        finally
        {
            await _ending.CancelAsync();
            await ReleaseAsync(elements, next, logger);
        }
    }

    // Waits for the next element with everything written so far flushed, heartbeats sent and deadlines kept.
    private async ValueTask<EndReason> WaitAsync(Task<bool> next)
    {
        if (!next.IsCompleted && await FlushAsync() is not EndReason.None and var cut)
        {
            return cut;
        }
        while (true)
        {
            if (_context.RequestAborted.IsCancellationRequested)
            {
                return EndReason.ClientDisconnected;
            }
            if (_lifetime.DueEnd(_stream) is not EndReason.None and var due)
            {
                return due;
            }
            if (next.IsCompleted)
            {
                return EndReason.None;
            }
            if (_stream.IsHeartbeatDue(Now))
            {
                _stream.Format.WriteControl(_block, ControlMessage.Heartbeat);
                if (await FlushAsync() is not EndReason.None and var lost)
                {
                    return lost;
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

    private ValueTask<EndReason> FlushAsync()
    {
        if (_block.Length == 0)
        {
            return new(EndReason.None);
        }
        _metrics.Delivered(_stream.Format, feed: null, _messages, _block.Length);
        _messages = 0;
        var write = _lifetime.WriteAsync(_stream, _block);
        _block.Clear();
        return write;
    }

    // A source that ignores its token must not hold the request or the host: it is disposed whenever it comes back.
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
                // It was asked to stop, and did.
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
