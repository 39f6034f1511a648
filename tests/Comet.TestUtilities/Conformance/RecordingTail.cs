using System.Text;
using Comet.AspNetCore;
using Comet.AspNetCore.Stores;

namespace Comet.TestUtilities.Conformance;

/// <summary>A tail that keeps all entries, and fails when a store breaks a rule.</summary>
public sealed class RecordingTail : IFeedTail
{
    private readonly Lock _lock = new();
    private readonly List<FeedEntry> _entries = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _resets;
    private string _epoch = "";
    private long _start;
    private long _head;

    /// <summary>The number of resets.</summary>
    public int Resets => Locked(() => _resets);

    public string Epoch => Locked(() => _epoch);

    /// <summary>The position up to which the tail knows the log.</summary>
    public FeedPosition Head => Locked(() => new FeedPosition(_epoch, _head));

    /// <summary>The head that the last reset named.</summary>
    public long Start => Locked(() => _start);

    /// <summary>The entries since the last reset.</summary>
    public List<FeedEntry> Entries => Locked(() => _entries.ToList());

    public List<string> Texts => Entries.ConvertAll(entry => Encoding.UTF8.GetString(entry.Payload.Span));

    public void Reset(string epoch, long head)
    {
        lock (_lock)
        {
            Assert.True(FeedPosition.TryParse($"{epoch}-{head}", out _), $"\"{epoch}\" is no epoch, or {head} no offset.");
            (_epoch, _start, _head) = (epoch, head, head);
            _resets++;
            _entries.Clear();
        }
        Announce();
    }

    public void Append(ReadOnlySpan<FeedEntry> entries)
    {
        lock (_lock)
        {
            Assert.True(_resets > 0, "The store appended to a tail that was never reset.");
            foreach (var entry in entries)
            {
                if (entry.Offset > _head)
                {
                    _entries.Add(entry);
                    _head = entry.Offset;
                }
            }
        }
        Announce();
    }

    public void Advance(long head)
    {
        lock (_lock)
        {
            Assert.True(_resets > 0, "The store advanced a tail that was never reset.");
            _head = Math.Max(_head, head);
        }
        Announce();
    }

    /// <summary>Waits for this many entries since the last reset.</summary>
    public async Task<List<FeedEntry>> ReceiveAsync(int count)
    {
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        while (true)
        {
            var changed = Locked(() => _changed.Task);
            var entries = Entries;
            if (entries.Count >= count)
            {
                return entries;
            }
            try
            {
                await changed.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"The tail got {entries.Count} of {count} entries.");
            }
        }
    }

    private void Announce()
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            (changed, _changed) = (_changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        changed.SetResult();
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_lock)
        {
            return read();
        }
    }
}
