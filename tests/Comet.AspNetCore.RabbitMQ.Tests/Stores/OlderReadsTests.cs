using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

public sealed class OlderReadsTests
{
    private const string Epoch = "epoch";
    private const long Start = 1000;

    private readonly RabbitMQStreamView _view = new(recentBytes: 0);
    private readonly List<LogScan> _scans = [];
    private readonly SemaphoreSlim _goOn = new(0);
    private readonly OlderReads _reads;

    public OlderReadsTests()
    {
        _view.Reset(Epoch, Start, Start);
        _reads = new OlderReads(_view, async scan =>
        {
            lock (_scans)
            {
                _scans.Add(scan);
            }
            await _goOn.WaitAsync(TestContext.Current.CancellationToken);
            scan.Begin(trimmedThrough: 0);
            for (var offset = scan.After + 1; offset <= scan.Through; offset++)
            {
                scan.Add($"{offset % 100}", new FeedEntry(offset, new byte[1], default));
            }
            return true;
        });
    }

    [Fact]
    public async Task Readers_who_come_during_a_scan_share_the_next()
    {
        var first = Add("1", after: 500);
        await ScanBeginsAsync(1);
        var others = Enumerable.Range(0, 99).Select(feed => Add($"{feed}", after: 450 - feed)).ToList();

        _goOn.Release(2);
        await first.Page.WithPatience();
        var pages = await Task.WhenAll(others.Select(other => other.Page)).WithPatience();

        Assert.Equal([(500L, 1000L), (352L, 500L)], _scans.Select(scan => (scan.After, scan.Through)));
        for (var feed = 0; feed < others.Count; feed++)
        {
            var expected = Enumerable.Range(451 - feed, 50 + feed).Where(offset => offset % 100 == feed).Select(offset => (long)offset);
            Assert.Equal(expected, pages[feed]!.Entries.Select(entry => entry.Offset));
        }
    }

    [Fact]
    public async Task A_reader_whom_the_scan_before_has_answered_needs_none()
    {
        var first = Add("1", after: 500);
        await ScanBeginsAsync(1);
        var (same, hasAll, lacksOne) = (Add("absent", after: 500), Add("2", after: 902), Add("3", after: 902));

        _goOn.Release(2);

        Assert.NotNull(await first.Page.WithPatience());
        Assert.Null(await same.Page.WithPatience());
        Assert.Null(await hasAll.Page.WithPatience());
        Assert.Equal([903L], (await lacksOne.Page.WithPatience())!.Entries.Select(entry => entry.Offset));
        Assert.Equal((902, 903), (_scans[1].After, _scans[1].Through));
        Assert.Equal(2, _scans.Count);
    }

    [Fact]
    public async Task Nothing_is_read_for_a_reader_who_has_given_up()
    {
        var first = Add("1", after: 500);
        await ScanBeginsAsync(1);
        Add("1", after: 10).Abandon();
        var last = Add("absent", after: 700);

        _goOn.Release(2);

        await first.Page.WithPatience();
        await last.Page.WithPatience();
        Assert.Single(_scans);
    }

    [Fact]
    public async Task A_failed_scan_fails_those_who_wait_for_it_and_no_others()
    {
        var fails = true;
        var reads = new OlderReads(_view, _ => fails ? throw new FeedUnavailableException("away") : Task.FromResult(true));
        var reader = new OlderRead("1", Epoch, 500, 10, long.MaxValue);
        reads.Add(reader);
        await Assert.ThrowsAsync<FeedUnavailableException>(() => reader.Page.WithPatience());

        fails = false;
        var next = new OlderRead("1", Epoch, 500, 10, long.MaxValue);
        reads.Add(next);

        Assert.Empty((await next.Page.WithPatience())!.Entries);
    }

    private OlderRead Add(string feed, long after)
    {
        var reader = new OlderRead(feed, Epoch, after, maxEntries: 10, maxBytes: long.MaxValue);
        _reads.Add(reader);
        return reader;
    }

    private Task ScanBeginsAsync(int count) => Eventually.HoldsAsync(
        () =>
        {
            lock (_scans)
            {
                return _scans.Count == count;
            }
        },
        $"scan {count} begins");
}
