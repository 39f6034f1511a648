using System.Text.Json;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests.Sources;

public class DeliveryTests(TestBrowsers browsers, ITestOutputHelper output)
{
    [Fact]
    public async Task Script_tags_server_sent_events_and_lines_carry_the_same_ids_and_values()
    {
        await using var site = new Site();
        for (var i = 0; i < HostileValues.AllStrings.Length; i++)
        {
            await site.PublishAsync($"{i}: {HostileValues.AllStrings[i]}");
        }
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/test/empty");

        var read = await page.EvaluateJsonAsync<Dictionary<string, Message[]>>("""
            async ([stream, count]) => {
              const finished = source => new Promise(done => {
                const messages = [];
                source.onmessage = ({ lastEventId, data }) => {
                  messages.push({ id: lastEventId, data: typeof data === 'string' ? JSON.parse(data) : data });
                  if (messages.length < count) return;
                  source.close();
                  done(messages);
                };
              });
              const earliest = stream + '?lastEventId=earliest';
              const frame = new Promise(done => {
                const messages = [];
                window.newsCame = (data, id) => messages.push({ id, data }) < count || done(messages);
                document.body.append(Object.assign(document.createElement('iframe'), { src: earliest }));
              });
              const lines = async () => {
                const response = await fetch(earliest, { headers: { Accept: 'application/x-ndjson' } });
                const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
                const messages = [];
                let text = '';
                while (messages.length < count) {
                  const parts = (text + (await reader.read()).value).split('\n');
                  text = parts.pop();
                  const read = parts.map(part => JSON.parse(part));
                  messages.push(...read.filter(({ type }) => type === 'message').map(({ id, data }) => ({ id, data })));
                }
                reader.cancel();
                return messages;
              };
              return {
                CometSource: await finished(new CometSource(stream, { from: 'earliest' })),
                EventSource: await finished(new EventSource(earliest)),
                frame: await frame,
                lines: await lines(),
              };
            }
            """, new object[] { News.Stream, HostileValues.AllStrings.Length });

        foreach (var (way, messages) in read)
        {
            output.WriteLine($"{way}: {messages.Length} messages, ids {messages[0].Id} to {messages[^1].Id}");
            Assert.Equal(read["lines"].Select(Text), messages.Select(Text));
        }
        Assert.Equal(HostileValues.AllStrings.Length, read["lines"].Length);
        Assert.Equal("0: </script>", read["lines"][0].Data.Text);
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("fetch")]
    [InlineData("frame")]
    public async Task What_comes_twice_is_dropped(string transport)
    {
        await using var site = new Site();
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), site.Url, "/test/streams/doubled", new { transport });

        await reader.WaitForMessagesAsync(5);

        Assert.Equal(["e-1", "e-2", "e-10", "f-1", "f-2"], await reader.IdsAsync());
        Assert.Equal(await reader.IdsAsync(), await reader.ValuesAsync<string>());
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task Values_belong_to_the_page_and_handlers_are_called_as_by_EventSource()
    {
        await using var site = new Site();
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/test/empty");

        var seen = await page.EvaluateJsonAsync<Dictionary<string, JsonElement>>("""
            async ([stream, text]) => {
              const source = new CometSource(stream, { from: 'earliest' });
              const before = source.readyState;
              const opened = new Promise(done => source.onopen = function (event) {
                done([this === source, event.type, source.readyState]);
              });
              source.onmessage = () => { throw new Error('replaced below'); };
              const message = new Promise(done => source.onmessage = done);
              const event = await message;
              source.close();
              return {
                before, opened: await opened, isObject: event.data instanceof Object, isMessageEvent: event instanceof MessageEvent,
                isOrigin: event.origin === location.origin, url: source.url, after: source.readyState,
                isLastEventId: source.lastEventId === event.lastEventId,
                states: [CometSource.CONNECTING, source.OPEN, CometSource.CLOSED],
              };
            }
            """, new object[] { News.Stream, await site.PublishAsync("one") });

        Assert.Equal(
            """{"before":0,"opened":[true,"open",1],"isObject":true,"isMessageEvent":true,"isOrigin":true,""" +
            $$"""
            "url":"{{site.Url}}/news/stream","after":2,"isLastEventId":true,"states":[0,1,2]}
            """,
            JsonSerializer.Serialize(seen));
        await page.CloseAsync();
    }

    [Fact]
    public async Task Values_that_are_no_JSON_arrive_as_they_are()
    {
        await using var site = new Site();
        var reader = await Reader.OpenAsync(
            await browsers.OpenTabAsync(), site.Url, "/test/streams/functions", new { transport = "frame" });

        await reader.WaitForMessagesAsync(2);

        Assert.Equal(1, await reader.Page.EvaluateAsync<int>("() => reader.values[0][0]()"));
        Assert.Equal("the next", await reader.Page.EvaluateAsync<string>("() => reader.values[1]"));
        await reader.Page.CloseAsync();
    }

    private static string Text(Message message) => $"{message.Id} {message.Data.Text}";

    private sealed record Message(string Id, News Data);
}
