namespace Comet.BrowserTests.Hosting;

/// <summary>What has broken other streams of script tags.</summary>
public static class HostileValues
{
    public static readonly string[] Strings =
    [
        "</script>",
        "</SCRIPT\t>",
        "</script",
        "<!--<script>",
        "<!--",
        "-->",
        "]]>",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "'\"`",
        "\\",
        "\\\"",
        "\\u003c/script\\u003e",
        "\");alert(1);//",
        "');alert(1);//",
        "${alert(1)}",
        "&lt;&amp;&#60;",
        "\u2028",
        "\u2029",
        "\r\n\t",
        "\0",
        "\u0001\b\v\u001f\u007f\u0085",
        "\ufeff\ufffe\uffff",
        "👩‍👩‍👧‍👦 é 漢字 \U0010ffff",
        "\u202e\u200b",
        "\ud800",
        "a\udc00b",
        "\udbff\ud83d\ude00\udc01",
        "__proto__",
        "",
    ];

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
}
