using System.Net;
using System.Text;
using System.Text.Json;
using Comet.AspNetCore.Testing;

namespace Comet.AspNetCore.Testing.Tests;

public class CometReaderTests
{
    // One stream, three formats: what docs/wire-protocol.md promises.
    private const string Scripts =
        """<!DOCTYPE html><html><head><!-- <script>not("read");</script> --><script nonce="a+/=">function comet(t,f){if(t<1){go(t)}}</script>      """ +
        """</head><body><script nonce="a+/=">comet("open",{"id":"k3J9-40","recovered":true,"heartbeat":15000});</script>""" +
        """<script nonce="a+/=">parent.announced({"text":"\u003C/script\u003E \u00E9 \" ), ("},"k3J9-41");</script>""" +
        """<script nonce="a+/=">comet("heartbeat",{});</script>""" +
        """<script nonce="a+/=">comet("heartbeat",{"id":"k3J9-42"});</script>""" +
        """<script nonce="a+/=">comet("skipped",{"count":7});</script>""" +
        """<script nonce="a+/=">parent.announced(JSON.parse('{"__proto__":"\\u0027\\n"}'),"k3J9-49");</script>""" +
        """<script nonce="a+/=">comet("end",{"reason":"recycled","retry":1730});</script>""";

    private const string Events =
        ": comet\n\n" +
        "id: k3J9-40\nevent: comet\ndata: {\"type\":\"open\",\"id\":\"k3J9-40\",\"recovered\":true,\"heartbeat\":15000}\n\n" +
        "id: k3J9-41\ndata: {\"text\":\"\\u003C/script\\u003E \\u00E9 \\\" ), (\"}\n\n" +
        ": heartbeat\n\n" +
        "id: k3J9-42\n: heartbeat\n\n" +
        "event: comet\ndata: {\"type\":\"skipped\",\"count\":7}\n\n" +
        "id: k3J9-49\ndata: {\"__proto__\":\"\\u0027\\n\"}\n\n" +
        "event: comet\ndata: {\"type\":\"end\",\"reason\":\"recycled\",\"retry\":1730}\nretry: 1730\n\n";

    private const string Lines =
        "{\"type\":\"open\",\"id\":\"k3J9-40\",\"recovered\":true,\"heartbeat\":15000}\n" +
        "{\"type\":\"message\",\"id\":\"k3J9-41\",\"data\":{\"text\":\"\\u003C/script\\u003E \\u00E9 \\\" ), (\"}}\n" +
        "{\"type\":\"heartbeat\"}\n" +
        "{\"type\":\"heartbeat\",\"id\":\"k3J9-42\"}\n" +
        "{\"type\":\"skipped\",\"count\":7}\n" +
        "{\"type\":\"message\",\"id\":\"k3J9-49\",\"data\":{\"__proto__\":\"\\u0027\\n\"}}\n" +
        "{\"type\":\"end\",\"reason\":\"recycled\",\"retry\":1730}\n";

    private static readonly string[] Expected =
    [
        """Open  k3J9-40  True 00:00:15   """,
        """Message {"text":"\u003C/script\u003E \u00E9 \" ), ("} k3J9-41      """,
        """Heartbeat        """,
        """Heartbeat  k3J9-42      """,
        """Skipped     7  """,
        """Message {"__proto__":"\u0027\n"} k3J9-49      """,
        """End      recycled 00:00:01.7300000""",
    ];

    public static TheoryData<CometFormat, string> Formats => new()
    {
        { CometFormat.ScriptTags, Scripts },
        { CometFormat.ServerSentEvents, Events },
        { CometFormat.ServerSentEvents, Events.Replace("\n", "\r") },
        { CometFormat.ServerSentEvents, Events.Replace("\n", "\r\n") },
        { CometFormat.Ndjson, Lines },
    };

    [Theory, MemberData(nameof(Formats))]
    public async Task Reads_every_message_of_a_body_in_one_piece(CometFormat format, string body)
    {
        var messages = await Read(format, Encoding.UTF8.GetBytes(body));

        Assert.Equal(Expected.Select(Words), messages.Select(message => Words(Describe(message))));
        Assert.All(messages.Where(message => message.Kind == CometMessageKind.Message),
            message => Assert.Equal(format == CometFormat.ScriptTags ? "parent.announced" : null, message.Callback));
        Assert.Equal("</script> é \" ), (", messages[1].Value.GetProperty("text").GetString());
        Assert.Equal("'\n", messages[5].Value.GetProperty("__proto__").GetString());
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Reads_the_same_wherever_the_body_is_cut_in_two(CometFormat format, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            var messages = await Read(format, bytes[..cut], bytes[cut..]);

            Assert.Equal(Expected.Select(Words), messages.Select(message => Words(Describe(message))));
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Reads_the_same_byte_by_byte(CometFormat format, string body)
    {
        var messages = await Read(format, [.. Encoding.UTF8.GetBytes(body).Select(b => new[] { b })]);

        Assert.Equal(Expected.Select(Words), messages.Select(message => Words(Describe(message))));
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Yields_a_message_as_soon_as_its_last_byte_is_there(CometFormat format, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var delivered = 0;
        var ends = new List<int>();

        await foreach (var _ in CometReader.ReadAsync(new ChunkedBody(OneByOne()), format, TestContext.Current.CancellationToken))
        {
            ends.Add(delivered);
        }

        var terminator = format == CometFormat.ScriptTags ? "</script>" : body.Contains('\r') ? "\r" : "\n";
        Assert.All(ends, end => Assert.EndsWith(terminator, body[..end]));
        Assert.Equal(Expected.Length, ends.Distinct().Count());

        IEnumerable<byte[]> OneByOne()
        {
            foreach (var b in bytes)
            {
                delivered++;
                yield return [b];
            }
        }
    }

    [Theory]
    [InlineData("parent.draw(Math.max(1, 2));", "Math.max(1, 2)")]
    [InlineData("parent.draw(1, 2);", "1, 2")]
    [InlineData("parent.draw(JSON.parse('1').x);", "JSON.parse('1').x")]
    [InlineData("parent.draw({a:1});", "{a:1}")]
    public async Task An_expression_that_is_no_JSON_is_text(string script, string text)
    {
        var message = Assert.Single(await Read(CometFormat.ScriptTags, Encoding.UTF8.GetBytes($"<script>{script}</script>")));

        Assert.Equal(JsonValueKind.Undefined, message.Value.ValueKind);
        Assert.Equal(text, message.Text);
    }

    [Theory]
    [InlineData("<script>parent.f(\"<!--<script>\");</script>")]
    [InlineData("<script>parent.f(\"</SCRIPT>\");</script>")]
    [InlineData("<script>parent.f(\"<Script>\");</script>")]
    [InlineData("<script>comet(\"renewed\",{});</script>")]
    [InlineData("<script>comet(\"end\");</script>")]
    [InlineData("<script>parent.f(1);</script")]
    [InlineData("<script>parent.f(1);")]
    [InlineData("<scr")]
    public Task Script_tags_that_a_browser_would_not_read_are_refused(string body) => IsRefused(CometFormat.ScriptTags, body);

    [Theory]
    [InlineData("data: {\n\n")]
    [InlineData("data: 1 2\n\n")]
    [InlineData("data: 1\n")]
    [InlineData("data: 1")]
    [InlineData("event: comet\ndata: 1\n\n")]
    [InlineData("event: comet\ndata: {\"type\":\"renewed\"}\n\n")]
    [InlineData("dat: 1\n\n")]
    public Task Events_that_are_none_are_refused(string body) => IsRefused(CometFormat.ServerSentEvents, body);

    [Theory]
    [InlineData("1\n")]
    [InlineData("{}\n")]
    [InlineData("\n")]
    [InlineData("{\"type\":\"message\"}\n")]
    [InlineData("{\"type\":\"renewed\"}\n")]
    [InlineData("{\"type\":\"heartbeat\"}")]
    public Task Lines_that_are_no_messages_are_refused(string body) => IsRefused(CometFormat.Ndjson, body);

    [Fact]
    public async Task Data_over_several_lines_is_one_value()
    {
        var message = Assert.Single(await Read(CometFormat.ServerSentEvents, "data: [1,\ndata:2]\n\n"u8.ToArray()));

        Assert.Equal("[1,2]", JsonSerializer.Serialize(message.Value));
    }

    [Fact]
    public async Task Values_may_be_nested_deeply()
    {
        var value = new string('[', 5000) + new string(']', 5000);

        var message = Assert.Single(await Read(
            CometFormat.Ndjson,
            [.. Encoding.UTF8.GetBytes($"{{\"type\":\"message\",\"data\":{value}}}\n").Chunk(1000)]));

        Assert.Equal(value, message.Text);
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags, "text/html")]
    [InlineData(CometFormat.ServerSentEvents, "text/event-stream")]
    [InlineData(CometFormat.Ndjson, "application/x-ndjson")]
    public async Task Asks_for_the_format_and_the_position(CometFormat format, string mediaType)
    {
        HttpRequestMessage? sent = null;
        using var client = new HttpClient(new Answer(request =>
        {
            sent = request;
            return new(HttpStatusCode.OK) { Content = new StringContent("", Encoding.UTF8, mediaType) };
        }));

        var messages = await CometReader.ReadAsync(client, "http://localhost/", format, "k3J9-41", TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Empty(messages);
        Assert.Equal(mediaType, sent?.Headers.Accept.ToString());
        Assert.Equal("k3J9-41", sent?.Headers.GetValues("Last-Event-ID").Single());
    }

    [Fact]
    public async Task Asks_with_the_HTTP_version_that_the_client_is_for()
    {
        HttpRequestMessage? sent = null;
        using var client = new HttpClient(new Answer(request =>
        {
            sent = request;
            return new(HttpStatusCode.NoContent);
        }))
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        await CometReader.ReadAsync(client, "http://localhost/", cancellationToken: TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal((HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact), (sent?.Version, sent?.VersionPolicy));
    }

    [Fact]
    public async Task A_response_without_content_has_no_messages()
    {
        using var client = new HttpClient(new Answer(_ => new(HttpStatusCode.NoContent)));

        Assert.Empty(await CometReader.ReadAsync(client, "http://localhost/", cancellationToken: TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_refusal_is_an_exception_with_its_status()
    {
        using var client = new HttpClient(new Answer(_ => new(HttpStatusCode.TooManyRequests)));

        var exception = await Assert.ThrowsAsync<HttpRequestException>(async () => await CometReader
            .ReadAsync(client, "http://localhost/", cancellationToken: TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(HttpStatusCode.TooManyRequests, exception.StatusCode);
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags, """
        <script nonce="n">comet("skipped",{"feed":"rooms/4\u00272","count":1});</script><script nonce="n">parent.f({"a":[1]},"e-1","rooms/4\u00272");</script>
        """)]
    [InlineData(CometFormat.ServerSentEvents, """
        event: comet
        data: {"type":"skipped","feed":"rooms/4\u00272","count":1}

        id: e-1
        event: rooms/4'2
        data: {"a":[1]}


        """)]
    [InlineData(CometFormat.Ndjson, """
        {"type":"skipped","feed":"rooms/4\u00272","count":1}
        {"type":"message","feed":"rooms/4\u00272","id":"e-1","data":{"a":[1]}}

        """)]
    public async Task The_feed_of_a_message_is_told(CometFormat format, string body)
    {
        var messages = await Read(format, Encoding.UTF8.GetBytes(body.ReplaceLineEndings("\n")));

        Assert.Equal(["rooms/4'2", "rooms/4'2"], messages.Select(static message => message.Feed));
        Assert.Equal(("e-1", """{"a":[1]}"""), (messages[1].Id, messages[1].Text));
        Assert.Equal(format == CometFormat.ServerSentEvents ? "e-1" : null, messages[1].LastEventId);
    }

    [Fact]
    public async Task Another_media_type_is_refused()
    {
        using var client = new HttpClient(new Answer(_ => new(HttpStatusCode.OK)
        {
            Content = new StringContent("{}", Encoding.UTF8, "application/json"),
        }));

        await Assert.ThrowsAsync<FormatException>(async () => await CometReader
            .ReadAsync(client, "http://localhost/", cancellationToken: TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<List<CometMessage>> Read(CometFormat format, params byte[][] chunks) =>
        await CometReader.ReadAsync(new ChunkedBody(chunks), format, TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);

    private static async Task IsRefused(CometFormat format, string body) =>
        await Assert.ThrowsAsync<FormatException>(() => Read(format, Encoding.UTF8.GetBytes(body)));

    private static string Describe(CometMessage m) =>
        $"{m.Kind} {m.Text} {m.Id} {m.Recovered} {m.HeartbeatInterval} {m.Count} {m.Reason} {m.Retry}";

    private static string Words(string text) => string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private sealed class Answer(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer(request));
    }
}
