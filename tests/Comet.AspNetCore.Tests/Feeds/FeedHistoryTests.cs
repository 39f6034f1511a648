using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>Pages of a store that readers share.</summary>
public class FeedHistoryTests
{
    private readonly KeptPages _kept = new();
    private readonly HeldLog _log = new();
    private readonly FeedHistory _history;

    public FeedHistoryTests() => _history = new FeedHistory(_kept);

    [Fact]
    public async Task Equal_readings_at_once_are_one_and_the_page_serves_whoever_comes_into_it()
    {
        var first = ReadAsync(0);
        var second = ReadAsync(0);
        _log.Answer(0, 1, 2, 3);

        Assert.Same(await first, await second);
        Assert.Same(await first, await ReadAsync(2)); // also from its midst
        Assert.Equal([0], _log.Asked);
    }

    [Fact]
    public async Task A_page_is_read_anew_after_its_end_in_another_epoch_and_when_it_is_kept_no_longer()
    {
        _log.Answer(0, 1, 2, 3);
        _log.Answer(3, 4);
        var page = await ReadAsync(0);

        Assert.Equal(4, (await ReadAsync(3)).Entries[0].Offset);
        Assert.NotSame(page, await ReadAsync(0, "other"));
        Assert.Same(page, await ReadAsync(0));
        _kept.Clear();
        Assert.NotSame(page, await ReadAsync(0));
    }

    [Fact]
    public async Task An_empty_page_says_nothing_to_those_who_asked_after_it_was_begun()
    {
        var first = ReadAsync(0);
        await _log.AskedAsync(1);
        var second = ReadAsync(0);
        _log.Answer(0);
        Assert.Empty((await first).Entries);

        await _log.AskedAsync(2);
        _log.Answer(0, 1);

        Assert.Single((await second).Entries);
    }

    [Fact]
    public async Task Bytes_in_all_feeds_are_bounded()
    {
        const int Pages = 40;
        var other = new FeedHistory(_kept);
        foreach (var history in (FeedHistory[])[_history, other])
        {
            for (var i = 0; i < Pages / 2; i++)
            {
                _log.AnswerWith(1024 * 1024, i, i + 1);
                await ReadAsync(i, history: history);
            }
        }

        Assert.Equal(Pages, _log.Asked.Count);
        for (var i = 0; i < Pages / 2; i++)
        {
            await ReadAsync(i, history: other);
        }
        Assert.InRange(_log.Asked.Count, Pages + (Pages / 2) - 4, Pages + (Pages / 2));
    }

    [Fact]
    public async Task A_reading_that_nobody_waits_for_is_given_up_and_its_store_holds_nobody_up()
    {
        using var unblocked = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        _log.Cancelled = () => unblocked.Wait(Eventually.Patience);
        var abandoned = ReadAsync(0, cancellationToken: cancellation.Token);
        await _log.AskedAsync(1);

        var cancelling = Task.Run(cancellation.Cancel, TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned.WithPatience());
        _log.Cancelled = () => { };
        var next = Task.Run(() => ReadAsync(0), TestContext.Current.CancellationToken);
        await _log.AskedAsync(2);
        _log.Answer(0, 1);

        Assert.Single((await next.WithPatience()).Entries);
        unblocked.Set();
        await cancelling.WithPatience();
    }

    [Fact]
    public async Task Readings_that_wait_for_the_store_hold_up_no_other()
    {
        var waiting = Enumerable.Range(0, 100).Select(i => ReadAsync(i)).ToList();
        await _log.AskedAsync(100);

        _log.Answer(100, 101);
        Assert.Single((await ReadAsync(100)).Entries);

        for (var i = 0; i < waiting.Count; i++)
        {
            _log.Answer(i, i + 1);
        }
        Assert.All(await Task.WhenAll(waiting), page => Assert.Single(page.Entries));
    }

    private Task<FeedLogPage> ReadAsync(
        long after, string epoch = "e", FeedHistory? history = null, CancellationToken cancellationToken = default) =>
        (history ?? _history).ReadAsync(_log, new FeedPosition(epoch, after), cancellationToken).AsTask().WithPatience();

    /// <summary>Answers when the test says so, and from then on.</summary>
    private sealed class HeldLog : IFeedLog
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<long, TaskCompletionSource<FeedLogPage>> _pages = [];
        private readonly List<long> _asked = [];

        internal IReadOnlyList<long> Asked
        {
            get
            {
                lock (_lock)
                {
                    return [.. _asked];
                }
            }
        }

        /// <summary>What the store does about a cancellation, where it learns of it.</summary>
        internal Action Cancelled { get; set; } = () => { };

        internal Task AskedAsync(int times) => Eventually.HoldsAsync(() => Asked.Count >= times, $"the log was asked {times} times");

        internal void Answer(long after, params long[] offsets) => AnswerWith(bytes: 1, after, offsets);

        internal void AnswerWith(int bytes, long after, params long[] offsets)
        {
            var entries = Array.ConvertAll(offsets, offset => new FeedEntry(offset, new byte[bytes], default));
            lock (_lock)
            {
                if (_pages.GetValueOrDefault(after) is not { Task.IsCompleted: false } page)
                {
                    _pages[after] = page = New();
                }
                page.SetResult(new FeedLogPage("e", 0, entries));
            }
        }

        public async ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
        {
            TaskCompletionSource<FeedLogPage>? page;
            lock (_lock)
            {
                _asked.Add(after);
                if (!_pages.TryGetValue(after, out page) || page.Task is { IsCompleted: true, Result.Entries.Count: 0 })
                {
                    _pages[after] = page = New();
                }
            }
            using var registration = cancellationToken.Register(() => Cancelled());
            var answer = await page.Task.WaitAsync(cancellationToken);
            return answer with { Entries = [.. answer.Entries] };
        }

        public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static TaskCompletionSource<FeedLogPage> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
