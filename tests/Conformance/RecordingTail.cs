using System.Text;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Conformance;

/// <summary>A tail that keeps everything, and fails when a store breaks the rules.</summary>
internal sealed class RecordingTail : IFeedTail
{
    private readonly Lock _gate = new();
    private readonly List<FeedEntry> _entries = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _resets;
    private string _epoch = "";
    private long _start;
    private long _head;

    /// <summary>How often the store began anew.</summary>
    internal int Resets => Locked(() => _resets);

    internal string Epoch => Locked(() => _epoch);

    /// <summary>The head that the last reset named.</summary>
    internal long Start => Locked(() => _start);

    /// <summary>What came since the last reset.</summary>
    internal List<FeedEntry> Entries => Locked(() => _entries.ToList());

    internal List<string> Texts => Entries.ConvertAll(entry => Encoding.UTF8.GetString(entry.Payload.Span));

    public void Reset(string epoch, long head)
    {
        lock (_gate)
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
        lock (_gate)
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

    /// <summary>Waits for this many entries since the last reset.</summary>
    internal async Task<List<FeedEntry>> ReceiveAsync(int count)
    {
        using var deadline = new CancellationTokenSource(StoreHost.Patience);
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
        lock (_gate)
        {
            (changed, _changed) = (_changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        changed.SetResult();
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }
}
