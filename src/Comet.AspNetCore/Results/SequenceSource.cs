using System.Threading.Tasks.Sources;
using Comet.AspNetCore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Results;

/// <summary>
/// The elements of one request's source. One task moves on, waits and leaves; others wake it while it waits, so that a source which does
/// not come back holds nobody. An element costs no allocation.
/// </summary>
/// <param name="source">Enumerated once.</param>
/// <param name="logger">Told what fails when nobody waits for it any more.</param>
internal sealed class SequenceSource<T>(IAsyncEnumerable<T> source, ILogger logger) : IValueTaskSource
{
    // What the task does that moves on.
    private const int Busy = 0;
    private const int Waiting = 1;
    private const int Woken = 2; // while it was busy, or before it has found out

    // Never disposed of: a source may ask its token for more at any time, and it holds nothing outside.
    private readonly CancellationTokenSource _leaving = new();
    private IAsyncEnumerator<T>? _elements;
    private Action? _onMoved; // made for the first move that takes time, and used by all
    private ValueTask<bool> _move;
    private bool _isMoving;
    private ManualResetValueTaskSourceCore<bool> _wait;
    private int _state;

    internal T Current => _elements!.Current;

    /// <summary>Whether the move that was begun has ended.</summary>
    internal bool HasMoved => _move.IsCompleted;

    /// <summary>Begins to move to the next element.</summary>
    /// <returns>Whether that has ended already.</returns>
    internal bool MoveOn()
    {
        _elements ??= source.GetAsyncEnumerator(_leaving.Token);
        _move = _elements.MoveNextAsync();
        _isMoving = true;
        if (_move.IsCompleted)
        {
            return true;
        }
        _move.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onMoved ??= () => Wake(onThreadPool: false));
        return false;
    }

    /// <summary>Takes the result of a move that has ended.</summary>
    /// <returns>Whether there is another element.</returns>
    internal bool EndMove()
    {
        _isMoving = false;
        return _move.GetAwaiter().GetResult();
    }

    /// <summary>Waits until the source has moved, or somebody has something else for the task; it finds out what.</summary>
    internal ValueTask WaitAsync()
    {
        _wait.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Busy) == Woken)
        {
            Interlocked.Exchange(ref _state, Busy);
            return default;
        }
        return new(this, _wait.Version);
    }

    /// <summary>Ends the wait, or the next one. Holds nobody up: the task goes on by itself.</summary>
    internal void Wake() => Wake(onThreadPool: true);

    /// <summary>Asks the source to come back.</summary>
    internal void Cancel()
    {
        try
        {
            _leaving.Cancel();
        }
        catch (AggregateException exception)
        {
            CometLog.SourceFailedLate(logger, exception);
        }
    }

    /// <summary>
    /// Asks the source to come back, and disposes of it: at once if it has, otherwise when it does, however late, and nobody waits for it.
    /// </summary>
    internal async ValueTask LeaveAsync()
    {
        try
        {
            await _leaving.CancelAsync();
        }
        catch (AggregateException exception)
        {
            CometLog.SourceFailedLate(logger, exception);
        }
        var isBack = !_isMoving || HasMoved;
        var disposal = DisposeAsync();
        if (isBack)
        {
            await disposal;
        }
    }

    private async Task DisposeAsync()
    {
        try
        {
            if (_isMoving)
            {
                while (!HasMoved)
                {
                    await WaitAsync();
                }
                EndMove();
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
            if (_elements is not null)
            {
                await _elements.DisposeAsync();
            }
        }
        catch (Exception exception)
        {
            CometLog.SourceFailedLate(logger, exception);
        }
    }

    private void Wake(bool onThreadPool)
    {
        if (Interlocked.Exchange(ref _state, Woken) == Waiting)
        {
            _wait.RunContinuationsAsynchronously = onThreadPool;
            _wait.SetResult(true);
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        _wait.GetResult(token);
        Interlocked.Exchange(ref _state, Busy); // before it finds out what it was woken for, so that no later call is lost
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);
}
