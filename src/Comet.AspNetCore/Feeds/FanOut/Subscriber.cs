using System.Diagnostics;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Feeds;

/// <summary>One connection of a feed. After it joined, only the fan-out touches it. It is most of what a quiet connection costs, so it is small.</summary>
internal sealed class Subscriber(ConnectionSettings settings, long now, FanOut fanOut) : Connection(settings, now), IThreadPoolWorkItem
{
    private const int NotListed = -1;

    private readonly TaskCompletionSource _completion = new();
    private readonly ConnectionLease _lease = settings.Lease;
    private CancellationTokenRegistration _abortion;
    private Exception? _failure;
    private int _finishing;

    internal TailCursor Cursor { get; set; }

    internal FormatGroup? FormatGroup { get; private set; }

    /// <summary>The span of the stream, when somebody listens.</summary>
    internal Activity? Activity { get; init; }

    /// <summary>Its place in the fan-out's list, while it is in it.</summary>
    internal int Index { get; set; } = NotListed;

    internal bool IsListed => Index != NotListed;

    /// <summary>Why it ends. Set while a last write is under way, too: the stream ends when that has completed.</summary>
    internal EndReason? EndReason { get; set; }

    /// <summary>Completes when the response has ended; with the exception of a write that failed otherwise than by the client's leaving.</summary>
    internal Task Completion => _completion.Task;

    internal void JoinGroup(FormatGroup group)
    {
        FormatGroup = group;
        Format = group.Format; // equal to its own, which is kept no longer
    }

    internal void RemovedFromList() => Index = NotListed;

    /// <summary>The stream goes on in the fan-out.</summary>
    internal void Follow()
    {
        fanOut.Join(this);
        _abortion = Aborted.UnsafeRegister(static state => ((Subscriber)state!).Leave(), this);
        Finish();
    }

    /// <summary>The stream has ended before it could follow.</summary>
    internal void EndAtOnce(EndReason reason, Exception? failure = null)
    {
        (EndReason, _failure) = (reason, failure);
        Execute();
    }

    /// <summary>A write has failed. It fails the request too, unless it says no more than that the connection is closed.</summary>
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
        EndReason = _failure is null ? reason : EndReason.Error;
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
        _abortion.Unregister();
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
        _lease.Dispose();
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
