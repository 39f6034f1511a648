using System.Text.Json;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Formats;
using Comet.AspNetCore.Tests.Hosting;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>What a client sees of a feed, whatever carries it.</summary>
public abstract class FeedStreamTests
{
    private static readonly CometFormat[] AllFormats = Enum.GetValues<CometFormat>();

    private readonly Wire _wire;

    private protected FeedStreamTests(Wire wire) => _wire = wire;

    public static TheoryData<CometFormat> Formats => [.. AllFormats];

    [Theory, MemberData(nameof(Formats))]
    public async Task A_client_without_an_id_starts_with_the_next_message(CometFormat format)
    {
        await using var app = await StartAsync(_wire);
        var before = (await app.PublishAsync("before")).Single();
        await using var stream = await app.OpenAsync("/", format);

        var open = await stream.NextAsync(CometMessageKind.Open);
        var ids = await app.PublishAsync("one", "two");
        var messages = await stream.TakeAsync(2);

        Assert.Equal(before, open.Id);
        Assert.Null(open.Recovered);
        Assert.Equal(TimeSpan.FromSeconds(15), open.HeartbeatInterval);
        Assert.Equal(ids, messages.Select(message => message.Id));
        Assert.Equal(["one", "two"], messages.Select(message => message.Value.GetString()));
        Assert.All(messages, message => Assert.Equal(format == CometFormat.ScriptTags ? "parent.f" : null, message.Callback));
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags, true)]
    [InlineData(CometFormat.ScriptTags, false)]
    [InlineData(CometFormat.ServerSentEvents, true)]
    [InlineData(CometFormat.Ndjson, false)]
    public async Task An_id_resumes_after_its_message(CometFormat format, bool inHeader)
    {
        await using var app = await StartAsync(_wire);
        var ids = await app.PublishAsync(Numbers(1, 10));
        await using var stream = await app.OpenAsync(inHeader ? "/" : "/?lastEventId=" + ids[3], format, inHeader ? ids[3] : null);

        var open = await stream.NextAsync(CometMessageKind.Open);
        var missed = await stream.TakeAsync(6);
        var live = await app.PublishAsync("11");
        missed.AddRange(await stream.TakeAsync(1));

        Assert.Equal((ids[3], true), (open.Id, open.Recovered));
        Assert.Equal([.. ids[4..], .. live], missed.Select(message => message.Id));
        Assert.Equal(Numbers(5, 11), missed.Select(message => message.Value.GetString()));
    }

    [Fact]
    public async Task The_header_wins_over_the_query()
    {
        await using var app = await StartAsync(_wire);
        var ids = await app.PublishAsync(Numbers(1, 5));
        await using var stream = await app.OpenAsync("/?lastEventId=" + ids[0], lastEventId: ids[3]);

        Assert.Equal(ids[3], (await stream.NextAsync(CometMessageKind.Open)).Id);
        Assert.Equal("5", await stream.NextStringAsync());
    }

    [Fact]
    public async Task The_newest_id_resumes_with_the_next_message()
    {
        await using var app = await StartAsync(_wire);
        var ids = await app.PublishAsync(Numbers(1, 5));
        await using var stream = await app.OpenAsync("/", lastEventId: ids[^1]);

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        await app.PublishAsync("6");
        Assert.Equal("6", await stream.NextStringAsync());
    }

    [Fact]
    public async Task The_id_of_the_open_message_resumes_as_well_as_that_of_any_other()
    {
        await using var app = await StartAsync(_wire);
        var first = await app.OpenAsync("/");
        var id = (await first.NextAsync(CometMessageKind.Open)).Id;
        await first.DisposeAsync();
        await app.PublishAsync("meanwhile");

        await using var second = await app.OpenAsync("/", lastEventId: id);

        Assert.True((await second.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal("meanwhile", await second.NextStringAsync());
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Earliest_starts_with_the_oldest_that_is_retained(CometFormat format)
    {
        await using var app = await StartAsync(_wire, feed => feed.Retain = 3);
        await app.PublishAsync(Numbers(1, 10));
        await using var stream = await app.OpenAsync("/?lastEventId=earliest", format);

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(["8", "9", "10"], (await stream.TakeAsync(3)).Select(message => message.Value.GetString()));
        await app.PublishAsync("11");
        Assert.Equal("11", await stream.NextStringAsync());
    }

    [Fact]
    public async Task Earliest_of_a_feed_without_a_message_starts_with_the_first()
    {
        await using var app = await StartAsync(_wire);
        await using var stream = await app.OpenAsync("/?lastEventId=earliest");

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        await app.PublishAsync("1");
        Assert.Equal("1", await stream.NextStringAsync());
    }

    [Fact]
    public async Task A_client_that_is_cut_right_after_it_asked_for_the_earliest_resumes_there()
    {
        await using var app = await StartAsync(_wire, feed => feed.Retain = 3);
        await app.PublishAsync(Numbers(1, 10));
        var cut = await app.OpenAsync("/?lastEventId=earliest");
        var id = (await cut.NextAsync(CometMessageKind.Open)).Id;
        await cut.DisposeAsync();

        await using var stream = await app.OpenAsync("/", lastEventId: id);

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(["8", "9", "10"], (await stream.TakeAsync(3)).Select(message => message.Value.GetString()));
    }

    [Theory]
    [InlineData("retention has passed it", CometFormat.ScriptTags)]
    [InlineData("retention has passed it", CometFormat.ServerSentEvents)]
    [InlineData("retention has passed it", CometFormat.Ndjson)]
    [InlineData("another log", CometFormat.ScriptTags)]
    [InlineData("the next offset", CometFormat.ScriptTags)]
    [InlineData("the last possible offset", CometFormat.Ndjson)]
    public async Task A_client_that_cannot_resume_is_told_so_once_and_first_and_goes_on_live(string why, CometFormat format)
    {
        await using var app = await StartAsync(_wire, feed => feed.Retain = 3);
        var ids = await app.PublishAsync(Numbers(1, 10));
        var newest = Parse(ids[^1]);
        var id = why switch
        {
            "retention has passed it" => ids[5], // of the seventh, nothing is left
            "another log" => $"{newest.Epoch}x-{newest.Offset}",
            "the next offset" => (newest with { Offset = newest.Offset + 1 }).ToString(),
            _ => (newest with { Offset = long.MaxValue }).ToString(),
        };
        await using var stream = await app.OpenAsync("/", format, id);

        var open = await stream.NextAsync(CometMessageKind.Open);
        ids.AddRange(await app.PublishAsync(Numbers(11, 13)));
        var live = await stream.TakeAsync(3); // which fails on anything but a message

        Assert.Equal((ids[9], false), (open.Id, open.Recovered));
        Assert.Equal(ids[10..], live.Select(message => message.Id));
        Assert.Equal(["11", "12", "13"], live.Select(message => message.Value.GetString()));
    }

    [Fact]
    public async Task The_oldest_id_whose_followers_are_all_retained_resumes()
    {
        await using var app = await StartAsync(_wire, feed => feed.Retain = 3);
        var ids = await app.PublishAsync(Numbers(1, 10));
        await using var stream = await app.OpenAsync("/", lastEventId: ids[6]);

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(["8", "9", "10"], (await stream.TakeAsync(3)).Select(message => message.Value.GetString()));
    }

    public static TheoryData<string> MalformedIds =>
    [
        " ", "-", "x", "-1", "e-", "e--1", "e-+1", "e-1x", "e- 1", "e-0x1", "e-1.0", "e-9223372036854775808", "e_f-1", "é-1",
        "Earliest", "earliest-1x", "<script>-1", "e-1\r\nid: 2", "e-1\n", "e\0-1", "e-1,e-2", new string('e', 65) + "-1",
        "e-" + new string('1', 5000),
    ];

    [Theory, MemberData(nameof(MalformedIds))]
    public async Task A_malformed_id_is_rejected_with_a_message_that_does_not_repeat_it(string id)
    {
        await using var app = await StartAsync(_wire);
        var answers = new List<HttpResponseMessage> { await app.GetAsync("/?lastEventId=" + Uri.EscapeDataString(id)) };
        if (id != " " && !id.AsSpan().ContainsAny("\r\n\0é")) // a header's value is trimmed, and an empty one is none
        {
            answers.Add(await app.GetAsync("/", ("Last-Event-ID", id)));
        }

        foreach (var answer in answers)
        {
            Assert.Equal(400, (int)answer.StatusCode);
            Assert.Equal("text/plain; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
            Assert.Equal(
                "The last event id is malformed: send back the id of the last message as it was received, or \"earliest\".",
                await answer.Content.ReadAsStringAsync());
            answer.Dispose();
        }
    }

    [Fact]
    public async Task Two_ids_are_rejected()
    {
        await using var app = await StartAsync(_wire);
        var ids = await app.PublishAsync("1", "2");

        using var answer = await app.GetAsync($"/?lastEventId={ids[0]}&lastEventId={ids[1]}");

        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Fact]
    public async Task The_three_formats_give_the_same_ids_and_values()
    {
        await using var app = await StartAsync(_wire);
        var random = new Random(20);
        string[] values = [.. HostileValues.Strings, .. Enumerable.Range(0, 100).Select(_ => HostileValues.RandomString(random))];
        var half = values.Length / 2;
        var ids = await app.PublishAsync(values[..half]);
        var streams = await Task.WhenAll(AllFormats.Select(format => app.OpenAsync("/", format, "earliest")));
        ids.AddRange(await app.PublishAsync(values[half..]));

        foreach (var stream in streams)
        {
            await stream.NextAsync(CometMessageKind.Open);
            var messages = await stream.TakeAsync(values.Length);
            Assert.Equal(ids, messages.Select(message => message.Id));
            Assert.Equal(values, messages.Select(message => message.Value.GetString()));
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task No_value_can_begin_a_field_or_an_event_of_its_own()
    {
        await using var app = await StartAsync(_wire);
        string[] breaks = ["\r", "\n", "\r\n", "\n\n", "\r\n\r\n", "\u2028", "\u2029", "\u0085", "\v", "\f"];
        string[] values =
            [.. breaks.Select(line => $"a{line}id: evil-1{line}event: comet{line}retry: 1{line}data: {{\"type\":\"end\"}}{line}{line}b")];
        await app.PublishAsync(values);
        using var response = await app.GetAsync("/?lastEventId=earliest", ("Accept", "text/event-stream"));

        var lines = new List<string>();
        using var body = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (lines.Count(line => line.StartsWith("data: \"", StringComparison.Ordinal)) < values.Length)
        {
            lines.Add((await body.ReadLineAsync().WithPatience())!);
        }

        Assert.DoesNotContain(
            lines, line => line.StartsWith("retry:", StringComparison.Ordinal) || line.StartsWith("id: evil", StringComparison.Ordinal));
        Assert.Single(lines, line => line.StartsWith("event:", StringComparison.Ordinal)); // open
        Assert.Equal(values.Length + 1, lines.Count(line => line.StartsWith("id:", StringComparison.Ordinal)));
        var data = lines
            .Where(line => line.StartsWith("data: \"", StringComparison.Ordinal))
            .Select(line => JsonSerializer.Deserialize<string>(line[6..]));
        Assert.Equal(values, data);
    }

    [Fact]
    public async Task Every_client_gets_every_message_once_and_in_order()
    {
        await using var app = await StartAsync(_wire);
        var streams = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => app.OpenAsync("/", AllFormats[i % 3])));
        foreach (var stream in streams)
        {
            await stream.NextAsync(CometMessageKind.Open);
        }

        var ids = await app.PublishAsync(Numbers(1, 500));

        var received = await Task.WhenAll(streams.Select(stream => stream.TakeAsync(500)));
        Assert.All(received, messages => Assert.Equal(ids, messages.Select(message => message.Id)));
        Assert.All(received, messages => Assert.Equal(Numbers(1, 500), messages.Select(message => message.Value.GetString())));
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }
        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_quiet_feed_sends_heartbeats(CometFormat format)
    {
        await using var app = await StartAsync(_wire, stream: new() { Heartbeat = TimeSpan.FromMilliseconds(250) });
        await using var stream = await app.OpenAsync("/", format);
        Assert.Equal(TimeSpan.FromMilliseconds(250), (await stream.NextAsync(CometMessageKind.Open)).HeartbeatInterval);

        await stream.NextAsync(CometMessageKind.Heartbeat);
        await stream.NextAsync(CometMessageKind.Heartbeat);
        await app.PublishAsync("1");

        CometMessage next;
        do
        {
            next = await stream.NextAsync();
        }
        while (next.Kind == CometMessageKind.Heartbeat);
        Assert.Equal("1", next.Value.GetString());
    }

    [Fact]
    public async Task A_large_message_arrives_whole()
    {
        await using var app = await StartAsync(_wire);
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        var large = new string('x', 3_000_000);

        await app.PublishAsync(large, "next");

        Assert.Equal(large, await stream.NextStringAsync());
        Assert.Equal("next", await stream.NextStringAsync());
    }

    [Fact]
    public async Task The_request_may_name_the_function_that_is_called()
    {
        await using var app = await StartAsync(_wire);
        await using var chosen = await app.OpenAsync("/?callback=frameElement.onNews");
        await using var usual = await app.OpenAsync("/");
        await chosen.NextAsync(CometMessageKind.Open);
        await usual.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("1");

        Assert.Equal("frameElement.onNews", (await chosen.NextAsync(CometMessageKind.Message)).Callback);
        Assert.Equal("parent.f", (await usual.NextAsync(CometMessageKind.Message)).Callback);
    }

    [Fact]
    public async Task However_many_functions_clients_name_each_calls_its_own()
    {
        await using var app = await StartAsync(_wire);
        var streams = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => app.OpenAsync($"/?callback=frameElement.f{i}")));
        foreach (var stream in streams)
        {
            await stream.NextAsync(CometMessageKind.Open);
        }

        await app.PublishAsync(Numbers(1, 100));

        for (var i = 0; i < streams.Length; i++)
        {
            var messages = await streams[i].TakeAsync(100);
            Assert.Equal(Numbers(1, 100), messages.Select(message => message.Value.GetString()));
            Assert.All(messages, message => Assert.Equal($"frameElement.f{i}", message.Callback));
            await streams[i].DisposeAsync();
        }
    }

    [Fact]
    public async Task Head_answers_the_headers_and_opens_no_stream()
    {
        await using var app = await StartAsync(_wire);
        using var request = app.Client.NewRequest("/");
        request.Method = HttpMethod.Head;

        using var answer = await app.Client.SendAsync(request).WithPatience();

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(0, app.OpenStreams);
    }
}

public sealed class DirectFeedStreamTests() : FeedStreamTests(Wire.Direct);

[Trait("Category", "Matrix")]
public sealed class AttachedFeedStreamTests() : FeedStreamTests(Wire.Attached);

public sealed class PortableFeedStreamTests() : FeedStreamTests(Wire.Portable);

[Trait("Category", "Matrix")]
public sealed class Http10FeedStreamTests() : FeedStreamTests(Wire.Http10);

public sealed class TlsFeedStreamTests() : FeedStreamTests(Wire.Tls);

public sealed class Http2FeedStreamTests() : FeedStreamTests(Wire.Http2);
