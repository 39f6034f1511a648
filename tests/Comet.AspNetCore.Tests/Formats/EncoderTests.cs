using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using AngleSharp.Html.Parser;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Testing;

namespace Comet.AspNetCore.Tests.Formats;

/// <summary>
/// A value goes through the encoder and a format, then through an HTML parser of its own (script tags only) and a reader, and must be what
/// JSON.parse gives for its JSON; so must the message after it.
/// </summary>
public partial class EncoderTests
{
    private static readonly Dictionary<string, JsonSerializerOptions> AppOptions = new()
    {
        ["default"] = new(),
        ["web"] = new(JsonSerializerDefaults.Web),
        ["relaxed"] = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping },
        ["relaxed, indented"] = new()
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            WriteIndented = true,
            NewLine = "\r\n",
            IndentCharacter = '\t',
        },
        ["all of Unicode"] = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) },
        ["source-generated"] = new(JsonSerializerDefaults.Web)
        {
            TypeInfoResolver = Generated.Default,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        },
        ["references"] = new() { ReferenceHandler = ReferenceHandler.Preserve },
    };

    public static TheoryData<string> OptionNames => [.. AppOptions.Keys];

    [Theory, MemberData(nameof(OptionNames))]
    public async Task Hostile_strings_arrive_as_they_are(string options)
    {
        foreach (var text in HostileValues.Strings)
        {
            await Arrives(text, AppOptions[options]);
            await Arrives(new Post(text, [text, "next"], new() { ["a" + text] = text }), AppOptions[options]);
        }
    }

    [Fact]
    public async Task A_string_needs_no_options()
    {
        foreach (var text in HostileValues.Strings)
        {
            var message = await Send(output => SafeJson.Write(text, output));

            Assert.Equal(text, message.Value.GetString());
        }
    }

    [Fact]
    public async Task Lone_surrogates_become_replacement_characters()
    {
        foreach (var text in HostileValues.LoneSurrogates)
        {
            var expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            Assert.Contains('\ufffd', expected);

            Assert.Equal(expected, (await Send(output => SafeJson.Write(text, output))).Value.GetString());
            Assert.Equal(expected, (await Send(output => SafeJson.Write(text, AppOptions["relaxed"], output))).Value.GetString());
        }
    }

    [Theory]
    [InlineData("""{"__proto__":{"admin":true}}""")]
    [InlineData("""{"a":[{"__proto__":null}]}""")]
    [InlineData("""{"\u005f_proto__":1}""")]
    [InlineData("""{"__pr\u006Fto__":1}""")]
    [InlineData("""{"__proto__":1,"__proto__":2}""")]
    public async Task A_key_that_a_literal_would_take_for_the_prototype_goes_through_JSON_parse(string json)
    {
        var script = Script(json);

        Assert.StartsWith("<script nonce=\"", script);
        Assert.Contains(">parent.f(JSON.parse('", script);
        Assert.Equal(json, (await Read(CometFormat.ScriptTags, script)).Single().Text);
    }

    [Fact]
    public async Task Deeply_nested_values_arrive()
    {
        var options = new JsonSerializerOptions { MaxDepth = 10_000 };
        object value = "</script>";
        for (var i = 0; i < 3_000; i++)
        {
            value = new[] { value };
        }

        await Arrives(value, options);
        Assert.Contains("JSON.parse('", Script(new string('[', 1000) + new string(']', 1000)));
    }

    [Fact]
    public async Task What_converters_write_past_the_encoder_is_made_safe_as_well()
    {
        foreach (var text in HostileValues.Strings)
        {
            var json = JsonSerializer.Serialize(text, AppOptions["relaxed"]);
            await Arrives(new Raw($"[ {json},\r\n\t{json} ]"), new() { Converters = { new RawConverter() } });
        }
        await Arrives(new Raw("\"\u2028</script><!--<script>\u2029'\""), new() { Converters = { new RawConverter() } });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Values_made_at_random_arrive(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 1_500; i++)
        {
            var value = HostileValues.Random(random);
            var (name, options) = AppOptions.ElementAt(random.Next(4));
            try
            {
                await Arrives(value, options);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed}, value {i}, options {name}: {value?.ToJsonString()}", exception);
            }
        }
    }

    [Theory]
    [InlineData(CometFormat.ServerSentEvents)]
    [InlineData(CometFormat.Ndjson)]
    public async Task No_value_breaks_a_line(CometFormat format)
    {
        foreach (var text in HostileValues.Strings.Append("\r").Append("\n"))
        {
            var raw = new Raw($"{{\r\n\"a\":\r{JsonSerializer.Serialize(text)}\n}}");
            var message = await Send(output => SafeJson.Write(raw, new() { Converters = { new RawConverter() } }, output), format);

            Assert.Equal(text, message.Value.GetProperty("a").GetString());
        }
    }

    private static async Task Arrives<T>(T value, JsonSerializerOptions options)
    {
        var expected = JsonSerializer.SerializeToUtf8Bytes(value, options);
        foreach (var format in Enum.GetValues<CometFormat>())
        {
            var message = await Send(output => SafeJson.Write(value, options, output), format);

            using var document = JsonDocument.Parse(expected, new() { MaxDepth = int.MaxValue });
            Assert.True(
                SameJson(document.RootElement, message.Value),
                $"{format}: {Encoding.UTF8.GetString(expected)} arrived as {message.Text}");
        }
    }

    /// <summary>Encodes a value and a canary after it, and returns the value as it arrives.</summary>
    private static async Task<CometMessage> Send(Action<IBufferWriter<byte>> encode, CometFormat format = CometFormat.ScriptTags)
    {
        var buffer = new ArrayBufferWriter<byte>();
        encode(buffer);
        var value = buffer.WrittenSpan.ToArray();

        var messages = await Read(format, Text(format, value) + Text(format, "\"canary\""u8));

        Assert.Equal(2, messages.Count);
        Assert.Equal("e-7", messages[0].Id);
        Assert.Equal("canary", messages[1].Value.GetString());
        if (format == CometFormat.ScriptTags)
        {
            AssertOneScriptEach(Text(format, value), messages[0].Text!);
        }
        return messages[0];
    }

    // What the reader takes for the script must be what a real HTML parser takes for it.
    private static void AssertOneScriptEach(string script, string json)
    {
        var document = new HtmlParser().ParseDocument(
            "<!DOCTYPE html><html><head><title>x</title></head><body>" + script + "<script>canary</script></body></html>");
        Assert.Equal(2, document.Scripts.Length);
        Assert.Equal("canary", document.Scripts[1].Text);
        var call = document.Scripts[0].Text;
        Assert.EndsWith(",\"e-7\");", call);
        var literal = call["parent.f(".Length..^",\"e-7\");".Length];
        Assert.DoesNotContain('\u2028', literal);
        Assert.DoesNotContain('\u2029', literal);
        Assert.DoesNotContain('\n', literal);
        if (literal.StartsWith("JSON.parse('", StringComparison.Ordinal))
        {
            Assert.DoesNotContain('\'', literal["JSON.parse('".Length..^2]);
        }
        else
        {
            Assert.Equal(json, literal);
            using var document2 = JsonDocument.Parse(json, new() { MaxDepth = int.MaxValue });
            Assert.DoesNotContain("__proto__", Keys(document2.RootElement));
        }
    }

    private static string Script(string json)
    {
        var buffer = new ArrayBufferWriter<byte>();
        SafeJson.Escape(Encoding.UTF8.GetBytes(json), buffer);
        return Text(CometFormat.ScriptTags, buffer.WrittenSpan);
    }

    private static string Text(CometFormat format, ReadOnlySpan<byte> value)
    {
        WireFormat wire = format switch
        {
            CometFormat.ScriptTags => new ScriptFormat("parent.f"u8.ToArray()),
            CometFormat.ServerSentEvents => ServerSentEventsFormat.Instance,
            _ => NdjsonFormat.Instance,
        };
        using var buffer = new FrameBuffer();
        wire.WriteMessage(buffer, value, "e-"u8, 7);
        buffer.WriteNonce(Nonce.Create());
        return Encoding.UTF8.GetString(buffer.Content);
    }

    private static async Task<List<CometMessage>> Read(CometFormat format, string body) =>
        await CometReader.ReadAsync(new ChunkedBody(Encoding.UTF8.GetBytes(body).Chunk(4096)), format)
            .ToListAsync(TestContext.Current.CancellationToken);

    private static bool SameJson(JsonElement a, JsonElement b) =>
        a.ValueKind == b.ValueKind && a.ValueKind switch
        {
            JsonValueKind.String => a.GetString() == b.GetString(),
            JsonValueKind.Number => a.GetRawText() == b.GetRawText(),
            JsonValueKind.Array => a.GetArrayLength() == b.GetArrayLength() &&
                a.EnumerateArray().Zip(b.EnumerateArray()).All(pair => SameJson(pair.First, pair.Second)),
            JsonValueKind.Object => a.EnumerateObject().Count() == b.EnumerateObject().Count() &&
                a.EnumerateObject().Zip(b.EnumerateObject())
                    .All(pair => pair.First.Name == pair.Second.Name && SameJson(pair.First.Value, pair.Second.Value)),
            _ => true,
        };

    private static IEnumerable<string> Keys(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => Keys(property.Value).Prepend(property.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Keys),
        _ => [],
    };

    public sealed record Post(string Text, string[] Lines, Dictionary<string, string> More);

    public sealed record Raw(string Json);

    private sealed class RawConverter : JsonConverter<Raw>
    {
        public override Raw Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Raw value, JsonSerializerOptions options) => writer.WriteRawValue(value.Json);
    }

    [JsonSerializable(typeof(Post))]
    [JsonSerializable(typeof(string))]
    [JsonSerializable(typeof(JsonNode))]
    private sealed partial class Generated : JsonSerializerContext;
}
