using System.Diagnostics;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// One connection of a feed. After it has joined, only the fan-out touches it. It is most of what a quiet connection costs, so it is small.
/// </summary>
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

    /// <summary>The span of the stream, when spans are listened to.</summary>
    internal Activity? Activity { get; init; }

    /// <summary>Its place in the fan-out's list, while it is in it.</summary>
    internal int Index { get; set; } = NotListed;

    internal bool IsListed => Index != NotListed;

    /// <summary>Why it ends; null: it goes on. It is set before the last write has completed, which is when the stream ends.</summary>
    internal EndReason? EndReason { get; set; }

    /// <summary>Completes when the response has ended. Fails when a write has failed, unless the client has left.</summary>
    internal Task Completion => _completion.Task;

    internal void JoinGroup(FormatGroup group)
    {
        FormatGroup = group;
        Format = group.Format; // equal to its own, which is kept no longer
    }

    internal void RemovedFromList() => Index = NotListed;

    /// <summary>Hands the stream over to the fan-out.</summary>
    internal void Follow()
    {
        fanOut.Join(this);
        _abortion = Aborted.UnsafeRegister(static state => ((Subscriber)state!).Leave(), this);
        Finish();
    }

    /// <summary>Ends a stream that the fan-out has not got yet.</summary>
    internal void EndAtOnce(EndReason reason, Exception? failure = null)
    {
        (EndReason, _failure) = (reason, failure);
        Execute();
    }

    /// <summary>Records that a write has failed, which fails the request, unless the connection was just closed.</summary>
    internal void RecordFailure(Exception exception)
    {
        if (!ResponseWriter.IsConnectionLoss(exception))
        {
            _failure = exception;
        }
    }

    /// <summary>Ends the stream, to which the fan-out writes nothing more.</summary>
    internal void Complete(EndReason reason)
    {
        EndReason = _failure is null ? reason : EndReason.Error;
        Finish();
    }

    public void Execute() => _ = FinishAsync();

    private void Leave() => fanOut.Leave(this);

    // Called by the request and by the fan-out; the second call ends the response.
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
        try
        {
            // Listeners of meters and activities are the app's, and may throw.
            fanOut.OnSubscriberEnded(this);
            Activity?.Dispose();
        }
        catch (Exception exception)
        {
            _failure ??= exception;
        }
        _lease.Dispose();
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
