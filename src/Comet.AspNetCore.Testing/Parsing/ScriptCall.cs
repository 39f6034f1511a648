using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Comet.AspNetCore.Testing.Parsing;

/// <summary>
/// The text of a script: <c>callback(value);</c>, <c>callback(value,"id");</c>, <c>callback(value,"id","feed");</c> or
/// <c>comet("type",{fields});</c>.
/// </summary>
internal static partial class ScriptCall
{
    private static ReadOnlySpan<byte> JsonParse => "JSON.parse('"u8;

    /// <summary>Null: the script calls nothing with a value, such as the helper script of the document's head.</summary>
    internal static CometMessage? TryParse(byte[] script)
    {
        var text = Encoding.UTF8.GetString(script);
        if (EndsOrSwallowsScript().IsMatch(text))
        {
            throw new FormatException("A script contains \"<!--\", \"<script\" or \"</script\": browsers do not read it as one script.");
        }
        if (Call().Match(text) is not { Success: true } call)
        {
            return null;
        }
        var (name, arguments) = (call.Groups[1].Value, call.Groups[2].Value);
        var (value, valueText, second, feed) = Arguments(arguments);
        if (name == "comet")
        {
            return value.ValueKind == JsonValueKind.String && second.ValueKind == JsonValueKind.Object
                ? ControlMessage.Create(value.GetString(), second)
                : throw new FormatException("A control message has no type or no fields.");
        }
        return second.ValueKind switch
        {
            JsonValueKind.Undefined => new(CometMessageKind.Message) { Callback = name, Value = value, Text = valueText },
            JsonValueKind.String =>
                new(CometMessageKind.Message) { Callback = name, Value = value, Text = valueText, Id = second.GetString(), Feed = feed },
            _ => new(CometMessageKind.Message) { Callback = name, Text = arguments },
        };
    }

    /// <summary>
    /// The value, its text, the argument after it, and a third, which is a text; a value that is not JSON is an expression of the app's
    /// own.
    /// </summary>
    private static (JsonElement Value, string Text, JsonElement Second, string? Feed) Arguments(string arguments)
    {
        var bytes = Encoding.UTF8.GetBytes(arguments);
        try
        {
            var value = First(bytes, out var text, out var length);
            if (length == bytes.Length)
            {
                return (value, text, default, null);
            }
            if (bytes[length] == ',')
            {
                var rest = bytes.AsSpan(length + 1);
                var second = Json.ParseFirst(rest, out length);
                var feed = length < rest.Length ? Json.Parse(rest[(length + 1)..]).GetString() : null;
                return (value, text, second, feed);
            }
        }
        catch (FormatException)
        {
            // An expression.
        }
        return (default, arguments, default, null);
    }

    // Values that mean something else as a literal than as JSON, such as a key "__proto__", come as JSON.parse('...').
    private static JsonElement First(ReadOnlySpan<byte> arguments, out string text, out int length)
    {
        if (!arguments.StartsWith(JsonParse))
        {
            var value = Json.ParseFirst(arguments, out length);
            text = Encoding.UTF8.GetString(arguments[..length]);
            return value;
        }
        var literal = arguments[JsonParse.Length..];
        var end = literal.IndexOf("')"u8);
        if (end < 0)
        {
            throw new FormatException("JSON.parse has no end.");
        }
        text = Encoding.UTF8.GetString(literal[..end]).Replace(@"\\", @"\");
        length = JsonParse.Length + end + 2;
        return Json.Parse(Encoding.UTF8.GetBytes(text));
    }

    [GeneratedRegex(@"\A([\w$.]+)\((.*)\);\z", RegexOptions.Singleline)]
    private static partial Regex Call();

    [GeneratedRegex("<(!--|/?script)", RegexOptions.IgnoreCase)]
    private static partial Regex EndsOrSwallowsScript();
}
