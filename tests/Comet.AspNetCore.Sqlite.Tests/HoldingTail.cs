using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>A tail that holds the writer at its first entries. Work that comes until it is released shares the next transaction.</summary>
internal sealed class HoldingTail : IFeedTail, IDisposable
{
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new();

    /// <summary>Completes when the writer is held: the entries are stored, and no caller knows yet.</summary>
    internal Task Held => _held.Task;

    public void Reset(string epoch, long head)
    {
    }

    public void Append(ReadOnlySpan<FeedEntry> entries)
    {
        if (entries.Length > 0)
        {
            _held.TrySetResult();
            _released.Task.Wait();
        }
    }

    public void Advance(long head)
    {
    }

    internal void Release() => _released.TrySetResult();

    public void Dispose() => Release();
}
