using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

/// <summary>
/// How much of a RabbitMQ stream of 200,000 entries is read to find the newest messages of a feed that has a few old ones.
/// </summary>
public sealed class NewestSearchTests
{
    private const string Epoch = "epoch";
    private const long Start = 200_000;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly Dictionary<long, string> _feeds = [];
    private readonly HashSet<long> _completions = [];
    private readonly ManualTime _time = new();
    private readonly SemaphoreSlim _goOn = new(1);
    private RabbitMQStreamView _view = null!;
    private NewestSearch _search = null!;
    private FeedPages _pages = null!;
    private TimeSpan _delay;
    private long _read;
    private int _scans;

    [Theory]
    [InlineData(0)] // nothing is remembered of the parts
    [InlineData(1 << 22)]
    public async Task It_reads_no_further_back_than_it_has_to_and_the_second_reads_nothing(long recentBytes)
    {
        Begin(recentBytes, ("quiet", 100), ("quiet", 150_000), ("quiet", 150_010));

        Assert.Equal(150_000, await FindAsync("quiet", 1));
        Assert.InRange(_read, 49_990, 50_000 + LogPart.MaxMessages);
        var read = _read;
        Assert.Equal(149_999, await FindAsync("quiet", 2));
        Assert.Equal(read, _read);

        Assert.Equal(0, await FindAsync("quiet", 50));
        Assert.Equal(Start, _read);
        Assert.Equal(100, await FindAsync("quiet", 2));
        Assert.Equal(0, await FindAsync("quiet", 3));
        Assert.Equal(Start, _read);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 22)]
    public async Task What_was_found_is_read_without_the_parts_between(long recentBytes)
    {
        Begin(recentBytes, ("quiet", 100), ("quiet", 110));
        await FindAsync("quiet", 50);
        _read = 0;

        var page = await _pages.ReadAsync("quiet", 0, 2, long.MaxValue, default).WithPatience();
        var next = await _pages.ReadAsync("quiet", 110, 10, long.MaxValue, default).WithPatience();

        Assert.Equal([100L, 110L], page.Entries.Select(entry => entry.Offset));
        Assert.Empty(next.Entries);
        Assert.InRange(_read, 1, LogPart.MaxMessages);
    }

    [Fact]
    public async Task Those_who_search_for_the_same_share_what_is_read_and_others_need_only_the_parts_with_their_entries()
    {
        Begin(recentBytes: 1 << 22, ("quiet", 100), ("other", 90_000));

        await _goOn.WaitAsync();
        var searches = Enumerable.Range(0, 20).Select(_ => FindAsync("quiet", 50)).ToList();
        _goOn.Release();
        Assert.All(await Task.WhenAll(searches).WithPatience(), found => Assert.Equal(0, found));
        Assert.InRange(_read, Start, Start + (2 * LogPart.MaxMessages)); // who comes when a part is being read may need it once more
        _read = 0;

        Assert.Equal(89_999, await FindAsync("other", 1));
        Assert.Equal(0, await FindAsync("absent", 1));
        Assert.InRange(_read, 1, LogPart.MaxMessages);
    }

    [Fact]
    public async Task Who_gives_up_after_each_part_gets_there_though_nothing_is_remembered_of_the_parts()
    {
        Begin(recentBytes: 0, ("quiet", 100));
        for (var attempt = 0; attempt < 100; attempt++)
        {
            using var patience = new CancellationTokenSource();
            var scans = _scans;
            var search = _search.FindAsync("quiet", 1, patience.Token);
            await Eventually.HoldsAsync(() => search.IsCompleted || _scans > scans + 1, "a part is read, and the next begun");
            await patience.CancelAsync();
            if (search.IsCompletedSuccessfully)
            {
                Assert.Equal(0, (await search).Offset);
                Assert.InRange(_read, Start, 3 * Start);
                return;
            }
        }
        Assert.Fail("It never got there.");
    }

    [Fact]
    public async Task A_search_that_takes_too_long_fails_and_who_comes_again_goes_on()
    {
        Begin(recentBytes: 0, ("quiet", 100));
        var failures = 0;
        while (true)
        {
            try
            {
                Assert.Equal(0, await FindAsync("quiet", 1, delay: TimeSpan.FromSeconds(1)));
                break;
            }
            catch (FeedUnavailableException)
            {
                failures++;
            }
        }
        Assert.InRange(failures, 5, 15);
        Assert.InRange(_read, Start, Start + ((failures + 1) * LogPart.MaxMessages));
    }

    [Fact]
    public async Task What_has_left_the_memory_since_is_searched_alone()
    {
        Begin(recentBytes: 1000, ("quiet", 100));
        Assert.Equal(0, await FindAsync("quiet", 50));
        _read = 0;

        List<(string, FeedEntry)> more =
            [("quiet", Entry(Start + 1)), .. Enumerable.Range(2, 20_000).Select(at => ("busy", Entry(Start + at)))];
        _view.Append(more, Start + 20_001);

        Assert.Equal(100, await FindAsync("quiet", 1));
        Assert.Equal(0, await FindAsync("quiet", 2));
        Assert.InRange(_read, 1, 20_001);
    }

    [Fact]
    public async Task A_completion_that_it_finds_is_told_and_is_no_message()
    {
        Begin(recentBytes: 0, ("quiet", 100), ("quiet", 110), ("quiet", 120), ("quiet", 130));
        _completions.Add(120);
        var tail = new RecordingTail();

        Assert.Equal(100, await FindAsync("quiet", 1));

        _view.Open("quiet", tail);
        Assert.True(Assert.Single(tail.Entries).IsCompletion);
        var now = default(DateTimeOffset);
        Assert.Equal(120, _view.FindCompletion("quiet", ref now)?.Offset);
    }

    [Fact]
    public async Task What_was_removed_is_not_searched()
    {
        Begin(recentBytes: 0, ("quiet", 100), ("quiet", 199_000));
        _view.Learn(Epoch, new LogPart(180_000), trimmedThrough: 180_000);

        Assert.Equal(180_000, await FindAsync("quiet", 5));
        Assert.InRange(_read, 1, 20_000);
    }

    // The other entries are those of a hundred feeds.
    private void Begin(long recentBytes, params (string Feed, long Offset)[] entries)
    {
        foreach (var (feed, offset) in entries)
        {
            _feeds.Add(offset, feed);
        }
        _view = new RabbitMQStreamView(recentBytes, TimeSpan.FromHours(1), _time);
        _view.Reset(Epoch, Start, Start);
        var read = new OlderReads(_view, ScanAsync).ToReadOlder(_time);
        (_search, _pages) = (new NewestSearch(_view, read, Timeout, _time), new FeedPages(_view, read, Timeout, _time));
    }

    private async Task<long> FindAsync(string feed, int count, TimeSpan delay = default)
    {
        _delay = delay;
        return (await _search.FindAsync(feed, count, TestContext.Current.CancellationToken).WithPatience()).Offset;
    }

    private async Task ScanAsync(LogScan scan)
    {
        Interlocked.Increment(ref _scans);
        await _goOn.WaitAsync(TestContext.Current.CancellationToken);
        _goOn.Release();
        _time.Advance(_delay);
        scan.Begin(trimmedThrough: 0);
        for (var offset = scan.After + 1; offset <= scan.Through && !scan.IsFull; offset++)
        {
            var feed = _feeds.GetValueOrDefault(offset) ?? (offset == Start + 1 ? "quiet" : $"{offset % 100}");
            scan.Add(feed, _completions.Contains(offset) ? new FeedEntry(offset, default, default) : Entry(offset));
            scan.Advance(offset, payload: 1);
            Interlocked.Increment(ref _read);
        }
    }

    private static FeedEntry Entry(long offset) => new(offset, new byte[1], default);
}
