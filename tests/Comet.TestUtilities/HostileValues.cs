using System.Text.Json.Nodes;

namespace Comet.TestUtilities;

/// <summary>Values that have broken other streams of script tags, and random values made of their parts.</summary>
public static class HostileValues
{
    /// <summary>Valid strings.</summary>
    public static readonly string[] Strings =
    [
        "</script>",
        "</SCRIPT >",
        "</SCRIPT\t>",
        "</script",
        "<!--<script>",
        "<!--",
        "-->",
        "--!>",
        "]]>",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "'\"`\\",
        "\\\"",
        "\\u003c/script\\u003e",
        "');alert(1);//",
        "\");alert(1);//",
        "${alert(1)}",
        "&lt;&amp;&#60;",
        "\u2028\u2029",
        "\r\n\r\n",
        "\r\n\t",
        "\rdata: x\nid: 1\n\n",
        "\0\u0001\u0008\u000b\u001f\u007f\u0080\u0085\u009f",
        "\u00a0\ufeff\ufffe\uffff\ufdd0",
        "👩‍👩‍👧‍👦 é ÿ 漢字 \U0010ffff",
        "\u202e\u200b\u061c",
        "__proto__",
        "constructor",
        "toJSON",
        "{\"type\":\"end\"}",
        "",
        " ",
    ];

    /// <summary>Strings that have no UTF-8.</summary>
    public static readonly string[] LoneSurrogates = ["\ud800", "a\udc00b", "\udbff\ud83d\ude00\udc01"];

    public static readonly string[] AllStrings = [.. Strings, .. LoneSurrogates];

    public static readonly object?[] Objects =
    [
        null,
        -0.0,
        1e300,
        9007199254740993,
        new Dictionary<string, object?> { ["__proto__"] = new Dictionary<string, object?> { ["admin"] = true } },
        new Dictionary<string, object?>
        {
            ["a"] = new object?[] { new Dictionary<string, object?> { ["__proto__"] = null, ["constructor"] = "x", ["toString"] = 1 } },
        },
        new Dictionary<string, object?> { ["</script><!--<script>\u2028\0"] = "\u2029</script>" },
        Enumerable.Range(0, 1000).Aggregate<int, object?>("</script>", (inner, _) => new[] { inner }),
    ];

    /// <summary>Numbers as they stand in JSON.</summary>
    public static readonly string[] Numbers = ["0", "-0", "1e400", "-1E-400", "123456789012345678901234567890", "0.1", "9007199254740993"];

    public static JsonNode? Random(Random random, int depth = 0) => random.Next(depth > 5 ? 4 : 7) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => JsonNode.Parse(Numbers[random.Next(Numbers.Length)]),
        3 or 4 => JsonValue.Create(RandomString(random)),
        5 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Random(random, depth + 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(4)).Select(_ => RandomString(random)).Distinct()
            .Select(key => KeyValuePair.Create(key, Random(random, depth + 1)))),
    };

    public static string RandomString(Random random) => string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(3) switch
    {
        0 => Strings[random.Next(Strings.Length)],
        1 => ((char)random.Next(0xd800)).ToString(),
        _ => Piece(random),
    }));

    // What is hostile may be split at any border, so parts of the strings are joined.
    private static string Piece(Random random)
    {
        var whole = Strings[random.Next(Strings.Length)];
        var piece = whole[random.Next(whole.Length + 1)..];
        return piece.Length > 0 && char.IsLowSurrogate(piece[0]) ? piece[1..] : piece;
    }
}
