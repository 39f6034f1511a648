using System.Globalization;
using System.Net;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>Streams that begin in the retained past, and answers that end: <c>?last=</c>, <c>?since=</c>, <c>?wait=</c>.</summary>
public class PastAndPollTests
{
    private readonly ManualTime _time = new();

    public static TheoryData<CometFormat> Formats => [.. Enum.GetValues<CometFormat>()];

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(9, 9)]
    [InlineData(10, 10)]
    [InlineData(11, 10)]
    [InlineData(int.MaxValue, 10)]
    public async Task The_newest_come_first_as_many_as_are_retained(int asked, int expected)
    {
        await using var app = await NewsApp.StartAsync(feed: static feed => feed.Retain = 10);
        await app.PublishAsync(Numbers(1, 15));
        await using var stream = await app.OpenAsync($"/?last={asked}", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);
        var messages = await stream.TakeAsync(expected);
        await app.PublishAsync("16");
        messages.AddRange(await stream.TakeAsync(1));

        Assert.Equal(Numbers(16 - expected, 16), messages.Select(static message => message.Value.GetString()));
    }

    [Theory]
    [InlineData(-1, "1 2 3 4")] // before everything
    [InlineData(2, "3 4")] // the time of a message
    [InlineData(2.5, "4")]
    [InlineData(60, "4")] // in the future: from now on
    public async Task What_was_published_since_a_time_comes_first(double seconds, string expected)
    {
        await using var app = await NewsApp.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(_time));
        var start = _time.GetUtcNow();
        for (var number = 1; number <= 3; number++)
        {
            await app.PublishAsync($"{number}");
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        var since = start.AddSeconds(seconds).ToString("o", CultureInfo.InvariantCulture);
        await using var stream = await app.OpenAsync($"/?since={Uri.EscapeDataString(since)}", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("4");

        var numbers = expected.Split(' ');
        Assert.Equal(numbers, (await stream.TakeAsync(numbers.Length)).Select(static message => message.Value.GetString()));
    }

    [Theory]
    [InlineData("2000-01-31", "1")]
    [InlineData("2000-01-31T12:00", "1")]
    [InlineData("2000-01-31T12:00Z", "1")]
    [InlineData("2000-01-31T12:00:00", "1")]
    [InlineData("2000-01-31T12:00:00+02:00", "1")]
    [InlineData("2000-01-31T12:00:00.123Z", "1")]
    [InlineData("2000-01-31T12:00:00.1234567-02:00", "1")]
    [InlineData("2000-01-31T12:00:00.123456789Z", "1")]
    [InlineData("0001-01-01", "1")]
    [InlineData("9999-12-31T23:59:59Z", "2")]
    public async Task A_time_is_read_as_ISO_8601(string since, string first)
    {
        await using var app = await NewsApp.StartAsync();
        await app.PublishAsync("1");
        await using var stream = await app.OpenAsync($"/?since={Uri.EscapeDataString(since)}", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("2");
        Assert.Equal(first, await stream.NextStringAsync());
    }

    [Fact]
    public async Task A_position_wins()
    {
        await using var app = await NewsApp.StartAsync();
        var ids = await app.PublishAsync(Numbers(1, 5));
        await using var stream = await app.OpenAsync("/?last=5", CometFormat.ServerSentEvents, ids[3]);
        await stream.NextAsync(CometMessageKind.Open);
        Assert.Equal("5", await stream.NextStringAsync());
    }

    [Theory]
    [InlineData("last=", "Start with")]
    [InlineData("last=-1", "Start with")]
    [InlineData("last=x", "Start with")]
    [InlineData("last=1&last=2", "Start with")]
    [InlineData("since=yesterday", "Start with")]
    [InlineData("since=", "Start with")]
    [InlineData("since=08:00", "Start with")] // of which day?
    [InlineData("since=05/06/2030", "Start with")] // in May or in June?
    [InlineData("since=2030-01-31 12:00", "Start with")]
    [InlineData("since=2030-01-31T12:00:00 01:00", "Start with")] // a plus that was not encoded
    [InlineData("since=2030-02-30", "Start with")]
    [InlineData("since=0001-01-01T00:00:00%2B14:00", "Start with")] // before the first day
    [InlineData("last=2147483648", "Start with")]
    [InlineData("last=%2B1", "Start with")]
    [InlineData("last=1&since=2030-01-01", "Start with")]
    [InlineData("wait=", "?wait= is")]
    [InlineData("wait=-1", "?wait= is")]
    [InlineData("wait=121", "?wait= is")]
    [InlineData("wait=1.5", "?wait= is")]
    [InlineData("wait=1&wait=1", "?wait= is")]
    public async Task What_is_malformed_is_refused(string query, string sentence)
    {
        await using var app = await NewsApp.StartAsync();
        using var response = await app.GetAsync("/?" + query);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(sentence, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_poll_that_does_not_wait_gives_what_there_is(CometFormat format)
    {
        await using var app = await NewsApp.StartAsync();
        var ids = await app.PublishAsync(Numbers(1, 3));

        var page = await PollAsync(app, $"/?wait=0&lastEventId={ids[0]}", format);
        var nothing = await PollAsync(app, $"/?wait=0&lastEventId={ids[^1]}", format);

        Assert.Equal(["2", "3"], page[1..^1].Select(static message => message.Value.GetString()));
        Assert.Equal(2, nothing.Count);
        foreach (var end in new[] { page[^1], nothing[^1] })
        {
            Assert.Equal((CometMessageKind.End, "polled", TimeSpan.Zero), (end.Kind, end.Reason, end.Retry));
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_poll_that_waits_ends_with_the_first_message(CometFormat format)
    {
        await using var app = await NewsApp.StartAsync();
        await using var stream = await app.OpenAsync("/?wait=20", format);
        await stream.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("first");

        var rest = await stream.RestAsync();
        Assert.Equal("first", rest[0].Value.GetString());
        Assert.Equal("polled", rest[^1].Reason);
        Assert.Equal(2, rest.Count);
    }

    [Fact]
    public async Task A_poll_ends_when_its_time_is_over()
    {
        await using var app = await NewsApp.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(_time));
        await using var stream = await app.OpenAsync("/?wait=7", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);
        _time.Advance(TimeSpan.FromSeconds(6.5));
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.Equal(1, app.OpenStreams);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("polled", Assert.Single(await stream.RestAsync()).Reason);
    }

    [Fact]
    public async Task History_is_read_page_by_page()
    {
        await using var app = await NewsApp.StartAsync();
        await app.PublishAsync(Enumerable.Range(0, 200).Select(static i => $"{i}".PadRight(1000)));
        var (numbers, pages, id) = (new List<string>(), 0, "earliest");
        while (true)
        {
            var page = await PollAsync(app, $"/?wait=0&lastEventId={id}", CometFormat.Ndjson);
            var messages = page.FindAll(static message => message.Kind == CometMessageKind.Message);
            if (messages.Count == 0)
            {
                break;
            }
            pages++;
            id = messages[^1].Id!;
            numbers.AddRange(messages.Select(static message => message.Value.GetString()!.Trim()));
        }

        Assert.Equal(Numbers(0, 199), numbers);
        Assert.InRange(pages, 5, 9);
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_feed_that_is_completed_ends_its_streams_for_good(CometFormat format)
    {
        await using var app = await NewsApp.StartAsync();
        await using var live = await app.OpenAsync("/", format);
        await live.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("last");
        await app.News().CompleteAsync(TestContext.Current.CancellationToken);
        await using var late = await app.OpenAsync("/", format, "earliest");
        await using var latest = await app.OpenAsync("/", format);

        var (ofLive, ofLate, ofLatest) = (await live.RestAsync(), await late.RestAsync(), await latest.RestAsync());

        Assert.Equal("last", ofLive[0].Value.GetString());
        Assert.Equal("last", ofLate[1].Value.GetString());
        foreach (var end in new[] { ofLive[^1], ofLate[^1], ofLatest[^1] })
        {
            Assert.Equal((CometMessageKind.End, "completed", null), (end.Kind, end.Reason, end.Retry));
        }
        Assert.Equal((2, 3, 2), (ofLive.Count, ofLate.Count, ofLatest.Count));
        if (format == CometFormat.ServerSentEvents)
        {
            using var again = await app.GetAsync("/", ("Last-Event-ID", ofLate[^1].LastEventId!), ("Accept", "text/event-stream"));
            Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
        }
        await app.NoStreamIsOpenAsync();
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Who_has_all_of_a_completed_feed_is_told_that_it_is_over(CometFormat format)
    {
        await using var app = await NewsApp.StartAsync();
        var last = await app.News().PublishAsync("last");
        await app.News().CompleteAsync(TestContext.Current.CancellationToken);
        var newest = await app.News().GetNewestAsync(10, TestContext.Current.CancellationToken);
        Assert.Equal((last, last), (newest.Head, app.News().Head));

        await using var stream = await app.OpenAsync("/", format, newest.Head.ToString());
        var messages = await stream.RestAsync();

        Assert.Equal([CometMessageKind.Open, CometMessageKind.End], messages.Select(static message => message.Kind));
        Assert.Equal("completed", messages[1].Reason);
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Of_several_feeds_each_ends_by_itself_and_the_last_ends_the_stream(CometFormat format)
    {
        await using var app = await TestApp.StartAsync(
            static app =>
            {
                var jobs = app.Services.GetRequiredService<KeyedFeeds<string>>();
                app.MapGet("/", () => CometResults.Feeds([jobs.Where(static _ => true)], "parent.f"));
            },
            static builder => builder.Services.AddKeyedFeeds<string>("jobs"));
        var jobs = app.Services.GetRequiredService<KeyedFeeds<string>>();
        await using var stream = await app.OpenAsync("/?feed=jobs/1&feed=jobs/2", format);
        await stream.NextAsync(CometMessageKind.Open);
        await stream.NextAsync(CometMessageKind.Open);

        await jobs.Get("1").CompleteAsync(TestContext.Current.CancellationToken);
        var first = await stream.NextAsync(CometMessageKind.End);
        await jobs.Get("2").PublishAsync("goes on");
        var message = await stream.NextAsync(CometMessageKind.Message);
        await jobs.Get("2").CompleteAsync(TestContext.Current.CancellationToken);
        var rest = await stream.RestAsync();

        Assert.Equal(("jobs/1", "completed"), (first.Feed, first.Reason));
        Assert.Equal("jobs/2", message.Feed);
        Assert.Equal(["jobs/2", null], rest.Select(static end => end.Feed));
        Assert.All(rest, static end => Assert.Equal(("completed", null), (end.Reason, end.Retry)));
        await app.NoStreamIsOpenAsync();
    }

    private static async Task<List<CometMessage>> PollAsync(TestApp app, string path, CometFormat format)
    {
        await using var stream = await app.OpenAsync(path, format);
        return await stream.RestAsync();
    }
}
