using System.Diagnostics;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Feeds;

/// <summary>One connection of a feed. After it joined, only the fan-out touches it. It is most of what a quiet connection costs, so it is small.</summary>
internal sealed class Subscriber(ConnectionSettings opening, long now, FanOut fanOut) : Connection(opening, now), IThreadPoolWorkItem
{
    private readonly TaskCompletionSource _completion = new();
    private readonly ConnectionLease _permit = opening.Permit;
    private CancellationTokenRegistration _gone;
    private Exception? _failure;
    private int _finishing;

    internal TailCursor Cursor { get; set; }

    internal FormatGroup? FormatGroup { get; private set; }

    /// <summary>The span of the stream, when somebody listens.</summary>
    internal Activity? Activity { get; init; }

    /// <summary>Its place in the fan-out's list; -1: it is not in it.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>Since when its connection takes no more, or -1.</summary>
    internal long BusySince { get; set; } = -1;

    internal bool IsBusy => BusySince >= 0;

    /// <summary>Why it ends. Set while a last write is under way, too: the stream ends when that has completed.</summary>
    internal EndReason Ending { get; set; }

    /// <summary>Completes when the response has ended; with the exception of a write that failed otherwise than by the client's leaving.</summary>
    internal Task Completion => _completion.Task;

    internal void Share(FormatGroup group)
    {
        FormatGroup = group;
        Format = group.Format; // equal to its own, which is kept no longer
    }

    /// <summary>The stream goes on in the fan-out.</summary>
    internal void Follow()
    {
        fanOut.Join(this);
        _gone = Aborted.UnsafeRegister(static state => ((Subscriber)state!).Leave(), this);
        Finish();
    }

    /// <summary>The stream has ended before it could follow.</summary>
    internal void EndAtOnce(EndReason reason, Exception? failure = null)
    {
        (Ending, _failure) = (reason, failure);
        Execute();
    }

    /// <summary>A write has failed. It fails the request too, unless it says no more than that the connection is gone.</summary>
    internal void RecordFailure(Exception exception)
    {
        if (!ResponseWriter.IsConnectionLoss(exception))
        {
            _failure = exception;
        }
    }

    /// <summary>Nothing more is written to it.</summary>
    internal void Complete(EndReason reason)
    {
        Ending = _failure is null ? reason : EndReason.Error;
        Finish();
    }

    public void Execute() => _ = FinishAsync();

    private void Leave() => fanOut.Leave(this);

    // The second to come here, of the request and the fan-out, ends the response.
    private void Finish()
    {
        if (Interlocked.Increment(ref _finishing) == 2)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private async Task FinishAsync()
    {
        _gone.Unregister();
        try
        {
            if (_failure is null)
            {
                await fanOut.EndResponseAsync(this);
            }
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
        fanOut.OnSubscriberEnded(this);
        _permit.Dispose();
        Activity?.Dispose();
        if (_failure is null)
        {
            _completion.SetResult();
        }
        else
        {
            _completion.SetException(_failure);
        }
    }
}
