using System.Globalization;
using System.Text;

namespace Comet.TestUtilities.Conformance;

public static class Payloads
{
    /// <summary>JSON values that a store could spoil.</summary>
    public static readonly string[] Odd =
    [
        "0",
        "null",
        "\"\"",
        "\" \"",
        "\"\\u0000\"",
        "\"'; DROP TABLE entries; --\"",
        "\"\\r\\n\\r\\n\"",
        "\"\u00fc\u4e16\ud83d\ude00\u2028\"",
        "{\"a\":[1,2.50,-1e-7,true,null,{\"\":\"\"}]}",
        $"\"{new string('x', 255)}\"",
        $"\"{new string('y', 65_536)}\"",
        $"\"{new string('z', 1 << 20)}\"",
    ];

    public static byte[] Of(string json) => Encoding.UTF8.GetBytes(json);

    public static byte[] Of(long number) => Of(number.ToString(CultureInfo.InvariantCulture));

    public static string[] Numbers(int from, int count) =>
        Enumerable.Range(from, count).Select(number => number.ToString(CultureInfo.InvariantCulture)).ToArray();
}
