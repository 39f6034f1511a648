using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

public sealed class FeedPagesTests
{
    private const string Epoch = "epoch";
    private const long Start = 200_000;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly ManualTime _time = new();
    private readonly RabbitMQStreamView _view;

    public FeedPagesTests()
    {
        _view = new RabbitMQStreamView(recentBytes: 0, TimeSpan.FromHours(1), _time);
        _view.Reset(Epoch, Start, Start);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_removed_behind_the_first_entries_of_a_page_is_told_with_the_next(bool isLearntByAnother)
    {
        const long After = Start - 1000;
        var parts = 0;
        var pages = NewPages((memory, reader, timeout, cancellation) =>
        {
            if (parts++ > 0)
            {
                return Task.FromResult<OlderPage?>(new OlderPage(Start - 500, Start, [Entry(Start - 100)]));
            }
            if (isLearntByAnother)
            {
                _view.Learn(Epoch, new LogPart(Start - 500), trimmedThrough: Start - 500);
            }
            return Task.FromResult<OlderPage?>(new OlderPage(0, Start - 900, [Entry(Start - 950)]));
        });

        var first = await ReadAsync(pages, After);
        var next = await ReadAsync(pages, first.Entries[^1].Offset);

        Assert.Equal((0, Start - 950), (first.TrimmedThrough, Assert.Single(first.Entries).Offset));
        Assert.Equal((Start - 500, Start - 100), (next.TrimmedThrough, Assert.Single(next.Entries).Offset));
    }

    [Fact]
    public async Task A_page_that_takes_too_long_fails_and_who_comes_again_goes_on()
    {
        var parts = 0;
        var pages = NewPages(scan =>
        {
            parts++;
            _time.Advance(TimeSpan.FromSeconds(1));
            return ReadAsync(scan);
        });

        var attempts = await AttemptAsync(() => ReadAsync(pages, after: 0));

        Assert.InRange(attempts, 5, 15);
        Assert.InRange(parts, Start / LogPart.MaxMessages, (Start / LogPart.MaxMessages) + attempts + 1);
    }

    [Fact]
    public async Task A_client_that_gives_up_after_each_part_gets_there_though_nothing_is_remembered_of_the_parts()
    {
        using var scanned = new SemaphoreSlim(0);
        var pages = NewPages(async scan =>
        {
            await ReadAsync(scan);
            if (scan.Reached < Start)
            {
                scanned.Release();
            }
        });

        var attempts = await AttemptAsync(async () =>
        {
            using var patience = new CancellationTokenSource();
            var reading = pages.ReadAsync("feed", 0, 10, long.MaxValue, patience.Token);
            await Task.WhenAny(reading, scanned.WaitAsync()).WithPatience();
            await patience.CancelAsync();
            return await reading;
        });

        Assert.InRange(attempts, 2, (Start / LogPart.MaxMessages) + 4);
    }

    private static async Task<int> AttemptAsync(Func<Task<FeedLogPage>> read)
    {
        for (var attempt = 1; attempt < 100; attempt++)
        {
            try
            {
                Assert.Equal([Start - 1], (await read()).Entries.Select(entry => entry.Offset));
                return attempt;
            }
            catch (Exception exception) when (exception is FeedUnavailableException or OperationCanceledException)
            {
                // It comes again with the same id.
            }
        }
        throw new InvalidOperationException("It never got there.");
    }

    private FeedPages NewPages(ReadOlder read) => new(_view, read, Timeout, _time);

    private FeedPages NewPages(Func<LogScan, Task> read) => NewPages(new OlderReads(_view, read).ToReadOlder(_time));

    // The feed has one entry, the last but one.
    private static async Task ReadAsync(LogScan scan)
    {
        await Task.Yield();
        scan.Begin(trimmedThrough: 0);
        for (var offset = scan.After + 1; offset <= scan.Through && !scan.IsFull; offset++)
        {
            scan.Add(offset == Start - 1 ? "feed" : $"{offset}", Entry(offset));
            scan.Advance(offset, payload: 1);
        }
    }

    private static Task<FeedLogPage> ReadAsync(FeedPages pages, long after) =>
        pages.ReadAsync("feed", after, 10, long.MaxValue, TestContext.Current.CancellationToken).WithPatience();

    private static FeedEntry Entry(long offset) => new(offset, new byte[1], default);
}
