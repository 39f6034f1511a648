using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Stores;

public class FeedNameTests
{
    [Theory]
    [InlineData("announcements", "announcements", null)]
    [InlineData("rooms/42", "rooms", "42")]
    [InlineData("rooms/a/b", "rooms", "a/b")]
    [InlineData("rooms/ä <b>", "rooms", "ä <b>")]
    public void Text_and_parts_are_two_forms_of_one_name(string text, string family, string? key)
    {
        var name = FeedName.Parse(text);

        Assert.Equal((family, key, text), (name.Family, name.Key, name.ToString()));
        Assert.Equal(new FeedName(family, key), name);
        Assert.Equal(new FeedName(family, key).GetHashCode(), name.GetHashCode());
        Assert.NotEqual(new FeedName("other", key), name);
    }

    public static TheoryData<string> BadNames =>
        [
            "", " ", "a b", "ä", "a:b", "/", "/key", "rooms/", "rooms/\n", "rooms/\u0085", new string('x', 65),
            $"rooms/{new string('x', 201)}",
        ];

    [Theory, MemberData(nameof(BadNames))]
    public void What_is_no_name_is_rejected(string text) => Assert.ThrowsAny<ArgumentException>(() => FeedName.Parse(text));

    [Fact]
    public void The_longest_name_is_one()
    {
        var text = $"{new string('x', FeedName.MaxFamilyLength)}/{new string('y', FeedName.MaxKeyLength)}";

        Assert.Equal(text, FeedName.Parse(text).ToString());
    }
}
