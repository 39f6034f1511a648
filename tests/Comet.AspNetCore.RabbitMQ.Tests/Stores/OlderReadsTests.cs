using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

public sealed class OlderReadsTests
{
    private const string Epoch = "epoch";
    private const long Start = 100_000;

    private readonly RabbitMQStreamView _view = new(recentBytes: 1 << 20, TimeSpan.FromHours(1), TimeProvider.System);
    private readonly List<LogScan> _scans = [];
    private readonly SemaphoreSlim _goOn = new(0);
    private readonly OlderReads _reads;
    private int _payload = 1;

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
            Read(scan, scan.Through);
        });
    }

    private List<(long After, long Through)> Parts => _scans.ConvertAll(scan => (scan.After, scan.Reached));

    [Fact]
    public async Task Readers_who_come_during_a_scan_share_the_next()
    {
        var first = Add("1", after: Start - 500);
        await ScanBeginsAsync(1);
        var others = Enumerable.Range(0, 99).Select(feed => Add($"{feed}", after: Start - 550 - feed)).ToList();

        _goOn.Release(2);
        await first.Page.WithPatience();
        var pages = await Task.WhenAll(others.Select(other => other.Page)).WithPatience();

        Assert.Equal([(Start - 500, Start), (Start - 648, Start - 500)], Parts);
        for (var feed = 0; feed < others.Count; feed++)
        {
            var after = Start - 550 - feed;
            var expected = Enumerable.Range((int)after + 1, 50 + feed).Where(offset => offset % 100 == feed).Select(offset => (long)offset);
            Assert.Equal(expected, pages[feed]!.Entries.Select(entry => entry.Offset));
        }
    }

    [Fact]
    public async Task A_reader_whom_the_scan_before_has_answered_needs_none()
    {
        var first = Add("1", after: Start - 500);
        await ScanBeginsAsync(1);
        var (same, hasOne) = (Add("absent", after: Start - 500), Add("3", after: Start - 98));

        _goOn.Release(2);

        Assert.NotNull(await first.Page.WithPatience());
        Assert.Null(await same.Page.WithPatience());
        Assert.Equal([Start - 97], (await hasOne.Page.WithPatience())!.Entries.Select(entry => entry.Offset));
        Assert.Equal([(Start - 500, Start), (Start - 98, Start)], Parts);
    }

    [Fact]
    public async Task Nothing_is_read_for_a_reader_who_has_given_up()
    {
        var first = Add("1", after: Start - 500);
        await ScanBeginsAsync(1);
        Add("1", after: Start - 990).Abandon();
        var last = Add("absent", after: Start - 300);

        _goOn.Release(2);

        await first.Page.WithPatience();
        await last.Page.WithPatience();
        Assert.Single(_scans);
    }

    [Fact]
    public async Task A_scan_reads_one_part_and_others_have_their_turn_before_the_next()
    {
        var deep = Add("absent", after: 0);
        await ScanBeginsAsync(1);
        var (deeper, other) = (Add("absent", after: 50_000), Add("absent", after: 80_000));
        _goOn.Release(3);

        var page = (await deep.Page.WithPatience())!;
        Add("absent", page.Through);
        await Task.WhenAll(deeper.Page, other.Page).WithPatience();
        await ScanBeginsAsync(4);
        _goOn.Release();

        Assert.Equal((LogPart.MaxMessages, 0), (page.Through, page.Entries.Count));
        Assert.Equal([0, 50_000, 80_000, LogPart.MaxMessages], _scans.Select(scan => scan.After));
    }

    [Fact]
    public async Task A_reader_does_not_wait_for_ever_for_those_who_come_before_it()
    {
        _payload = (int)LogPart.MaxBytes / 2; // two messages are a part
        var first = Add("absent", after: Start - 500);
        await ScanBeginsAsync(1);
        _goOn.Release();
        var page = await first.Page.WithPatience();
        var second = Add("absent", page!.Through);
        Add("absent", page.Through - 100);
        var third = Add("absent", page.Through - 200);
        await ScanBeginsAsync(2);

        _goOn.Release(2);
        page = await second.Page.WithPatience();

        Assert.NotNull(await third.Page.WithPatience());
        Assert.True(_scans.Count <= 4, "It had to wait for all before it.");
        Assert.Equal(Start - 498, second.After);
        _goOn.Release(100);
    }

    [Fact]
    public async Task A_page_ends_where_its_scan_has_got_to_though_a_part_of_it_was_read_meanwhile()
    {
        var first = Add("1", after: Start - 500);
        await ScanBeginsAsync(1);
        var meanwhile = new LogPart(Start - 300);
        meanwhile.Extend(Start - 200, 1);
        _view.Learn(Epoch, meanwhile, trimmedThrough: 0);

        _goOn.Release();
        var page = await first.Page.WithPatience();

        Assert.Equal(5, page!.Entries.Count);
        Assert.Equal(Start, page.Through);
    }

    [Fact]
    public async Task What_a_scan_has_read_before_it_failed_counts()
    {
        var isDown = false;
        var reads = new OlderReads(_view, scan =>
        {
            if (isDown)
            {
                throw new FeedUnavailableException("away");
            }
            Read(scan, scan.After + 100);
            isDown = true;
            throw new FeedUnavailableException("away");
        });
        var (reached, notReached) = (NewReader("absent", Start - 1000), NewReader("absent", Start - 500));
        reads.Add(reached);
        var page = await reached.Page.WithPatience();
        reads.Add(notReached);

        Assert.Equal(Start - 900, page!.Through);
        await Assert.ThrowsAsync<FeedUnavailableException>(() => notReached.Page.WithPatience());
        Assert.Equal(Start - 900, _view.Read("absent", Start - 1000, 0).MissingAfter);
    }

    [Fact]
    public async Task A_failed_scan_fails_those_who_wait_for_it_and_no_others()
    {
        var fails = true;
        var reads = new OlderReads(_view, scan =>
        {
            if (fails)
            {
                throw new FeedUnavailableException("away");
            }
            Read(scan, scan.Through);
            return Task.CompletedTask;
        });
        var reader = NewReader("absent", Start - 500);
        reads.Add(reader);
        await Assert.ThrowsAsync<FeedUnavailableException>(() => reader.Page.WithPatience());

        fails = false;
        var next = NewReader("absent", Start - 500);
        reads.Add(next);

        Assert.Empty((await next.Page.WithPatience())!.Entries);
    }

    [Fact]
    public void Who_has_got_a_page_did_not_search_in_vain_though_the_scan_began_again()
    {
        var (full, vain) = (NewReader("a", 0, maxEntries: 1), NewReader("b", 0));
        var scan = new LogScan(Epoch, 0, Start, [full, vain]);
        scan.Begin(trimmedThrough: 0);
        scan.Add("a", new FeedEntry(5, new byte[1], default));
        scan.Advance(5, 1);

        scan.Begin(trimmedThrough: 0);
        scan.Advance(6, 1);

        Assert.Equal([vain], scan.InVain);
    }

    [Fact]
    public async Task A_fault_outside_a_scan_fails_those_who_wait_and_not_those_who_come_after()
    {
        var view = new RabbitMQStreamView(recentBytes: 0, TimeSpan.FromHours(1), TimeProvider.System);
        var reads = new OlderReads(view, scan =>
        {
            Read(scan, scan.Through);
            return Task.CompletedTask;
        });
        var reader = NewReader("absent", Start - 500);
        reads.Add(reader);
        await Assert.ThrowsAsync<InvalidOperationException>(() => reader.Page.WithPatience()); // the view has no epoch yet

        view.Reset(Epoch, Start, Start);
        var next = NewReader("absent", Start - 500);
        reads.Add(next);

        Assert.Empty((await next.Page.WithPatience())!.Entries);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 1)]
    [InlineData(8, 2)]
    public async Task Pages_read_little_more_than_they_give(int clients, int feeds)
    {
        const int Messages = 1400;
        var epoch = new MessageId(1, 1).ToEpoch();
        var (read, payload) = (0, new byte[1024]);
        var reader = new RabbitMQLogReader((from, to, _) => DeliverAsync(from, to), _ => Task.FromResult(0L));
        var view = new RabbitMQStreamView(recentBytes: 0, TimeSpan.FromHours(1), TimeProvider.System);
        view.Reset(epoch, Start, Start);
        var reads = new OlderReads(view, scan => reader.ReadAsync(scan, TestContext.Current.CancellationToken));

        var given = await Task.WhenAll(Enumerable.Range(0, clients).Select(client => ReadPagesAsync(10_000 + (client * 3000))))
            .WithPatience();

        Assert.All(given, count => Assert.InRange(count, Messages, Messages + 28));
        TestContext.Current.TestOutputHelper?.WriteLine($"{(double)read / given.Sum():0.0} messages were read for each.");
        Assert.InRange(read, 1, 3 * given.Sum());

        async Task<int> ReadPagesAsync(long after)
        {
            var count = 0;
            while (count < Messages)
            {
                var page = new OlderRead("0", epoch, after, Start, maxEntries: 256, maxBytes: 28 * 1024);
                reads.Add(page);
                var found = (await page.Page.WithPatience())!;
                (after, count) = (found.Through, count + found.Entries.Count);
            }
            return count;
        }

        async IAsyncEnumerable<RabbitMQMessage> DeliverAsync(long from, long to)
        {
            await Task.Yield();
            for (var offset = from; offset < to; offset++)
            {
                read++;
                yield return new RabbitMQMessage
                {
                    Id = new(7, offset),
                    Offset = offset,
                    Floor = Math.Max(offset - 20, 0),
                    Feed = $"{offset % feeds}",
                    Epoch = epoch,
                    Payload = payload,
                };
            }
        }
    }

    // The feed of an entry is its offset without the hundreds.
    private void Read(LogScan scan, long through)
    {
        scan.Begin(trimmedThrough: 0);
        for (var offset = scan.After + 1; offset <= through; offset++)
        {
            scan.Add($"{offset % 100}", new FeedEntry(offset, new byte[1], default));
            scan.Advance(offset, _payload);
            if (scan.IsFull)
            {
                return;
            }
        }
    }

    private OlderRead Add(string feed, long after)
    {
        var reader = NewReader(feed, after);
        _reads.Add(reader);
        return reader;
    }

    private static OlderRead NewReader(string feed, long after, int maxEntries = 10) =>
        new(feed, Epoch, after, through: Start, maxEntries, maxBytes: long.MaxValue);

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
